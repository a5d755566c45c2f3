"""Ranking -> pairs. Pure."""

from judgeforge.pairing.rules import PairingRules
from judgeforge.pairing.selected import PairSelection, SelectedPair
from judgeforge.pairing.selection import select_pairs
from judgeforge.pairing.trust import Trust

__all__ = ["PairSelection", "PairingRules", "SelectedPair", "Trust", "select_pairs"]
