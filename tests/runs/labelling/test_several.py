"""Files of several people: compared, and put together for calibrate."""

from __future__ import annotations

from pathlib import Path

import pytest

from judgeforge.errors import ConfigError, InputError
from judgeforge.inputs.row_checks import RowChecks
from judgeforge.runs.labelling.label_file import LabelledFile
from judgeforge.runs.labelling.several import compare
from judgeforge.runs.measurement.label_rows import read_labels
from tests.support.labelling import plain_rows, session_of, written


def labels(folder: Path, name: str, prefers: str, *, seed: int = 0, number: int = 6) -> Path:
    """By somebody who prefers the answers that begin with a word."""
    place = folder / f"{name}.jsonl"
    with LabelledFile(place) as file:
        session = session_of(
            folder / name, file, plain_rows(number), judge=f"human:{name}", seed=seed
        )
        while (look := session.current()) is not None:
            texts = [session.material(look).completions[one].text for one in look.shown]
            place_of = next(i for i, text in enumerate(texts) if text.startswith(prefers))
            session.answer(look.id, str(place_of))
    return place


def test_sides_that_were_drawn_differently_do_not_matter(tmp_path: Path) -> None:
    files = [labels(tmp_path, "ana", "yes"), labels(tmp_path, "ben", "yes", seed=1)]
    sides = [[row["label"] for row in written(file)] for file in files]
    assert sides[0] != sides[1]
    both = tmp_path / "both.jsonl"
    found = compare(files, both)
    assert found.comparison.pairs[0].share == 1.0
    assert found.rows == len(written(both)) == 6
    read = read_labels(both, RowChecks())
    assert read.people is not None
    assert read.people.share == 1.0
    for row in read.rows:
        [best] = row.label.preferred
        assert row.texts[best].startswith("yes")


def test_three_people_who_disagree_are_a_ceiling(tmp_path: Path) -> None:
    people = {"ana": "yes", "ben": "yes", "cem": "no"}
    found = compare([labels(tmp_path, name, word) for name, word in people.items()])
    assert [round(one.share, 2) for one in found.comparison.pairs] == [1.0, 0.0, 0.0]
    assert found.comparison.alpha is not None
    assert found.comparison.alpha < 0


@pytest.mark.parametrize("number", [0, 1])
def test_one_file_is_nothing_to_compare(tmp_path: Path, number: int) -> None:
    with pytest.raises(ConfigError, match="two people"):
        compare([labels(tmp_path, "ana", "yes")] * number)


def test_the_same_person_twice_is_refused(tmp_path: Path) -> None:
    file = labels(tmp_path, "ana", "yes")
    with pytest.raises(InputError, match="by human:ana"):
        compare([file, file])


def test_files_of_other_labels_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text('{"prompt": "P", "a": "x", "b": "y", "label": "a"}\n')
    with pytest.raises(InputError, match="has no answers"):
        compare([labels(tmp_path, "ana", "yes"), other])
    with pytest.raises(InputError, match="cannot be read"):
        compare([other.with_name("nowhere.jsonl"), other])


def test_nothing_is_replaced(tmp_path: Path) -> None:
    files = [labels(tmp_path, "ana", "yes"), labels(tmp_path, "ben", "no")]
    with pytest.raises(ConfigError, match="is there already"):
        compare(files, files[0])
