"""Which pairs the page shows, and why."""

from __future__ import annotations

from collections import Counter

import pytest

from judgeforge.results.figures.shortlist import REASONS
from tests.support.result_rows import Row, completion, figures_of, pair, scored


class TestShortlist:
    def test_shows_each_kind_once_with_its_reasons(self) -> None:
        def judged(n: int) -> list[Row]:
            scores = (0.1, 0.9) if n == 7 else (0.9, 0.1)
            says = [scored("x", n, 0, 0.8), scored("x", n, 1, 0.2)]
            return [*says, scored("y", n, 0, scores[0]), scored("y", n, 1, scores[1])]

        figures = figures_of(300, judgments=judged)
        place = figures.shortlist.picked()[0].place
        odd = {
            "unsure": pair(1000, confidence=0.51),
            "long": pair(1001, chosen=9_000, rejected=9_000),
            "ratio": pair(1002, chosen=400, rejected=20),
        }
        for one in odd.values():
            where = type(place)(one["id"], 0, 0, 0, 0)
            figures.shortlist.add(one, where, [], {})
        flagged = [completion(1003, 0, flags=["suspicious:verdict"])]
        where = type(place)("p1003.p0", 0, 0, 0, 0)
        figures.shortlist.add(pair(1003), where, flagged, {})
        reasons = {one.place.pair_id: one.reasons for one in figures.shortlist.picked()}
        assert reasons["p1003.p0"][0] == "chosen carries a sign of being written for the judge"
        assert reasons["p1000.p0"][0] == "least sure"
        assert reasons["p1001.p0"] == ("longest",)
        assert reasons["p1002.p0"][0] == "chosen is many times longer"
        assert "judges disagree most" in reasons["p7.p0"]
        drawn = [why for why in reasons.values() if "drawn at random" in why]
        assert len(drawn) == REASONS["drawn at random"]

    @pytest.mark.parametrize("pairs", [1, 2, 3, 6, 10])
    def test_of_few_pairs_shows_all_and_says_of_each_only_what_sets_it_apart(
        self, pairs: int
    ) -> None:
        picked = figures_of(pairs).shortlist.picked()
        assert len(picked) == pairs
        said = Counter(reason for one in picked for reason in one.reasons)
        assert "drawn at random" not in said
        assert set(said.values()) == {max(1, pairs // 4)}

    @pytest.mark.parametrize("pairs", [11, 20, 40, 300])
    def test_says_no_comparison_of_more_than_a_quarter(self, pairs: int) -> None:
        picked = figures_of(pairs).shortlist.picked()
        said = Counter(reason for one in picked for reason in one.reasons)
        for reason in ("least sure", "smallest margin", "longest"):
            assert said[reason] == min(REASONS[reason], pairs // 4)
        assert said["drawn at random"] == REASONS["drawn at random"]

    def test_says_of_every_pair_what_is_so_whatever_the_others_are(self) -> None:
        figures = figures_of(2)
        place = type(figures.shortlist.picked()[0].place)
        for number in range(5):
            one = pair(1000 + number, chosen=400, rejected=20)
            figures.shortlist.add(one, place(one["id"], 0, 0, 0, 0), [], {})
        picked = figures.shortlist.picked()
        longer = [one for one in picked if "chosen is many times longer" in one.reasons]
        assert len(longer) == 5
