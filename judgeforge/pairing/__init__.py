"""Ranking -> pairs. Pure."""

from judgeforge.pairing.rules import PairingRules
from judgeforge.pairing.selected import PairSelection, SelectedPair
from judgeforge.pairing.selection import select_pairs

__all__ = ["PairSelection", "PairingRules", "SelectedPair", "select_pairs"]
