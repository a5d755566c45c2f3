"""Which pairs the page shows, and why."""

from __future__ import annotations

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
