"""One person's labelling of a run: what is asked, what stays hidden, and where it goes on."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from judgeforge.errors import ConfigError, StoreError
from judgeforge.runs.labelling.label_file import LabelledFile
from judgeforge.runs.labelling.pages import done_page, question_page
from judgeforge.runs.labelling.session import Session, Wanted
from judgeforge.runs.labelling.sources import open_source
from tests.local_server.quality import quality_of
from tests.support.run_setup import rows


def started(folder: Path, file: LabelledFile, **wanted: Any) -> Session:
    options = {"number": 25, "judge": "human:ana", **wanted}
    return Session(open_source(folder, options.get("show", 2)), file, Wanted(**options))


def answer_rightly(session: Session) -> None:
    """As somebody does who sees the quality of each."""
    look = session.current()
    assert look is not None
    completions = session.material(look).completions
    qualities = [quality_of(completions[name].text) or 0.0 for name in look.shown]
    session.answer(look.id, str(qualities.index(max(qualities))))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "labels.jsonl"


def test_each_prompt_is_asked_about_by_its_pair_or_by_its_best_and_worst(
    run_folder: Path, place: Path
) -> None:
    pairs = {row["prompt_id"]: row["provenance"] for row in rows(run_folder / "pairs.jsonl")}
    scores = {row["id"]: row["score"] for row in rows(run_folder / "completions.jsonl")}
    with LabelledFile(place) as file:
        session = started(run_folder, file, number=100, again=0)
    assert len(session.looks) == 40
    assert 0 < len(pairs) < 40
    for look in session.looks:
        name = look.candidate.prompt_id
        if name in pairs:
            assert set(look.shown) == {pairs[name]["chosen_id"], pairs[name]["rejected_id"]}
        else:
            of_prompt = [s for one, s in scores.items() if one.startswith(f"{name}.")]
            assert {scores[one] for one in look.shown} == {max(of_prompt), min(of_prompt)}


def test_no_judge_no_model_and_no_score_is_on_the_page_before_the_click(
    run_folder: Path, place: Path
) -> None:
    with LabelledFile(place) as file:
        session = started(run_folder, file, again=0)
        look = session.current()
        assert look is not None
        before = question_page(session, look)
        assert "The judges:" not in before
        assert all(name not in before for name in ("small", "confidence", look.shown[0]))
        answer_rightly(session)
        following = session.current()
        assert following is not None
        after = question_page(session, following)
        assert "The judges:" in after
        assert "small:" in after


def test_what_the_judges_say_stays_hidden_as_long_as_the_same_is_to_be_seen_again(
    run_folder: Path, place: Path
) -> None:
    with LabelledFile(place) as file:
        session = started(run_folder, file, number=3, again=1.0)
        for _ in range(3):
            answer_rightly(session)
            last = session.last_opinion()
            assert last is not None
            assert last[1] is None
        while session.current() is not None:
            answer_rightly(session)
            last = session.last_opinion()
            assert last is not None
            assert last[1] is not None
        own = session.own_agreement()
        assert own is not None
        assert (own.items, own.same) == (3, 3)


def test_the_page_says_from_20_labels_on_what_they_promise(run_folder: Path, place: Path) -> None:
    with LabelledFile(place) as file:
        session = started(run_folder, file, number=25, again=0)
        for done in range(1, 26):
            answer_rightly(session)
            if done in {19, 20, 25}:
                session.take_stock()
                assert session.standing is not None
                words = session.standing.in_words()
                assert words.startswith(f"{done} labels: ")
                assert ("from 20 on" in words) == (done < 20)
                assert ("at most 5 % wrong" in words) == (done >= 20)
        assert "All 25 are labelled" in done_page(session)


def test_the_standing_is_what_calibrate_finds_on_the_same_labels(
    run_folder: Path, place: Path
) -> None:
    from judgeforge.calibration.api import calibrate
    from judgeforge.calibration.labels import Label
    from judgeforge.ranking.rules import PairingRules
    from judgeforge.store.evidence_rows import read_judgment

    with LabelledFile(place) as file:
        session = started(run_folder, file, number=30, again=0)
        while session.current() is not None:
            answer_rightly(session)
        session.take_stock()
        given = {one.prompt_id: one for one in file.given}
    said: dict[str, list[Any]] = {name: [] for name in given}
    for row in rows(run_folder / "judgments.jsonl"):
        one = given.get(row["prompt_id"])
        if one is not None and set(row["completion_ids"]) <= set(one.shown):
            said[row["prompt_id"]].append(read_judgment(row))
    labels = [Label.of(name, one.preferred or "") for name, one in given.items()]
    texts = {row["id"]: row["text"] for row in rows(run_folder / "completions.jsonl")}
    found = calibrate(said.values(), labels, of="pair", texts=texts)
    kept = found.threshold(PairingRules(max_error=0.05)).share_kept
    assert session.standing is not None
    assert session.standing.kept == pytest.approx(kept)


def test_a_second_start_goes_on_where_the_first_stopped(run_folder: Path, place: Path) -> None:
    with LabelledFile(place) as file:
        session = started(run_folder, file)
        order = [look.id for look in session.looks]
        for _ in range(5):
            answer_rightly(session)
    with LabelledFile(place) as file:
        session = started(run_folder, file)
        look = session.current()
        assert look is not None
        assert (session.done, look.id) == (5, order[5])
        assert session.take_back(order[4])
        again = session.current()
        assert again is not None
        assert again.id == order[4]


def test_more_can_be_labelled_later_and_what_was_stays(run_folder: Path, place: Path) -> None:
    with LabelledFile(place) as file:
        session = started(run_folder, file, number=5)
        while session.current() is not None:
            answer_rightly(session)
        done = session.done
    with LabelledFile(place) as file:
        session = started(run_folder, file, number=10)
        assert session.done == done
        assert len(session.looks) > done


def test_up_to_four_are_shown_where_several_are_to_be_ranked(run_folder: Path, place: Path) -> None:
    with LabelledFile(place) as file:
        session = started(run_folder, file, number=22, show=4, again=0)
        assert {len(look.shown) for look in session.looks} == {4}
        while session.current() is not None:
            answer_rightly(session)
        session.take_stock()
        assert session.standing is not None
        assert session.standing.kept is not None


@pytest.mark.parametrize("said", ["0", "3,1", "2,0,3,1", "cannot_tell"])
def test_an_order_may_be_whole_or_end_where_the_rest_does_not_matter(
    run_folder: Path, place: Path, said: str
) -> None:
    with LabelledFile(place) as file:
        session = started(run_folder, file, number=1, show=4, again=0)
        assert session.answer(session.looks[0].id, said)
    with LabelledFile(place) as file:
        assert [one.said for one in file.given] == [said]


@pytest.mark.parametrize("said", ["4", "0,0", "0,1,2,3,0", "tie", "0,", "0,x", ""])
def test_an_order_that_is_none_is_refused(run_folder: Path, place: Path, said: str) -> None:
    with LabelledFile(place) as file:
        session = started(run_folder, file, number=1, show=4, again=0)
        with pytest.raises(ValueError, match="no such"):
            session.answer(session.looks[0].id, said)
        assert file.given == []


def test_answers_of_prompts_that_are_gone_stay_labels(run_folder: Path, place: Path) -> None:
    with LabelledFile(place) as file:
        session = started(run_folder, file, number=2, again=0)
        answer_rightly(session)
    line = place.read_text().replace(session.looks[0].candidate.prompt_id, "gone")
    place.write_text(line)
    with LabelledFile(place) as file:
        session = started(run_folder, file, number=2, again=0)
        session.take_stock()
        assert session.last_opinion() is not None
        assert session.standing is not None
        assert (session.standing.labels, session.standing.judged) == (1, 0)


def test_a_folder_that_is_made_anew_meanwhile_is_told_and_loses_no_label(
    run_folder: Path, tmp_path: Path, place: Path
) -> None:
    shutil.copytree(run_folder, tmp_path / "out")
    with LabelledFile(place) as file:
        session = started(tmp_path / "out", file, number=3, again=0)
        answer_rightly(session)
        completions = tmp_path / "out" / "completions.jsonl"
        completions.write_text("\n" + completions.read_text().replace(".c", ".x"))
        look = session.current()
        assert look is not None
        with pytest.raises(StoreError):
            session.answer(look.id, "0")
        assert len(file.given) == 1


def test_a_folder_without_a_run_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such folder"):
        open_source(tmp_path / "nowhere", 2)
    with pytest.raises(ConfigError, match="not a run folder"):
        open_source(tmp_path, 2)
