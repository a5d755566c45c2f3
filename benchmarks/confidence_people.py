"""PandaLM's pairs: two recorded judges, and the votes of three people, who may see a tie."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.confidence_report import Told
from benchmarks.judging_data import PAIRS, VERDICTS, as_judgment, read_rows
from judgeforge.calibration.api import calibrate
from judgeforge.calibration.calibration import Calibration
from judgeforge.calibration.labels import Label, folds
from judgeforge.ranking.pairing.selection import Trust, select_pairs
from judgeforge.ranking.rank import rank
from judgeforge.ranking.reliability.fit import fit_reliability
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.records import Judgment

DATASET = "pandalm"


def measure(data: Path) -> dict[str, Told]:
    pairs = {row["item_id"]: row for row in read_rows(data / PAIRS) if row["dataset"] == DATASET}
    judged: dict[str, list[Judgment]] = defaultdict(list)
    for row in read_rows(data / VERDICTS):
        if row["item_id"] in pairs and row["verdict"]:
            judged[row["item_id"]].append(as_judgment(row))
    names = sorted(judged)
    blind = fit_reliability([judged[name] for name in names], same_writer=0.0)
    found = {"no labels": _told([_outcome(judged[n], pairs[n], blind, None) for n in names])}
    rows = list[tuple[float, float, float, float]]()
    for train, test in folds(names):
        known = _calibrated([names[i] for i in train], judged, pairs)
        for i in test:
            one = names[i]
            instrument = known.labelled.reliability
            rows.append(_outcome(judged[one], pairs[one], instrument, known))
    return {**found, "labels of the other four fifths": _told(rows)}


def _calibrated(
    names: list[str], judged: dict[str, list[Judgment]], pairs: dict[str, Any]
) -> Calibration:
    labels = [
        Label.tie(name, (f"{name}.a", f"{name}.b"))
        if pairs[name]["gold"] == "tie"
        else Label.of(name, f"{name}.{pairs[name]['gold']}")
        for name in names
    ]
    return calibrate([judged[name] for name in names], labels)


def _outcome(
    judgments: list[Judgment],
    pair: Mapping[str, Any],
    known: Reliability,
    calibration: Calibration | None,
) -> tuple[float, float, float, float]:
    ranking = rank(judgments, reliability=known)
    trust = Trust()
    if calibration is not None:
        labelled = calibration.labelled
        trust = Trust(of="pair", confidence=labelled.confidence, ties=labelled.ties)
    selected = select_pairs(ranking, trust=trust).pairs
    if not selected:
        return np.nan, np.nan, np.nan, np.nan
    chosen, votes = selected[0].chosen_id.rpartition(".")[2], pair["human_votes"]
    return (
        selected[0].confidence,
        selected[0].p_tie,
        float(np.mean([vote == chosen for vote in votes])),
        float(np.mean([vote == "tie" for vote in votes])),
    )


def _told(rows: list[tuple[float, float, float, float]]) -> Told:
    found = np.array([row for row in rows if not np.isnan(row[0])])
    return Told(*found.T, calls=0.0)
