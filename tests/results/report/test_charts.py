"""How the report draws and writes its numbers, and whether it can be read."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.results.figures.distribution import Histogram
from judgeforge.results.report import html
from judgeforge.results.report.charts import columns, lines


class TestCharts:
    @given(st.lists(st.integers(0, 10_000), min_size=1, max_size=30))
    def test_a_column_is_as_high_as_its_count(self, counts: list[int]) -> None:
        edges = tuple(float(edge) for edge in range(len(counts) + 1))
        chart = columns(Histogram(edges, tuple(counts)), str)
        assert [bar.count for bar in chart.bars] == [count for count in counts if count]
        most, full = max(counts), max((bar.height for bar in chart.bars), default=0.0)
        for bar in chart.bars:
            assert bar.height == pytest.approx(full * bar.count / most, abs=0.02)
            assert bar.y + bar.height == pytest.approx(chart.baseline, abs=0.02)
            assert bar.x >= 0
            assert bar.x + bar.width <= chart.width
        places = [bar.x for bar in chart.bars]
        assert places == sorted(places)

    def test_two_histograms_share_one_scale(self) -> None:
        one, other = Histogram((0.0, 1.0), (10,)), Histogram((0.0, 1.0), (5,))
        chart = columns(one, str, other=other)
        assert chart.others[0].height == pytest.approx(chart.bars[0].height / 2)
        assert chart.others[0].x >= chart.bars[0].x + chart.bars[0].width

    def test_a_marker_stands_at_its_value(self) -> None:
        chart = columns(Histogram((0.0, 0.5, 1.0), (1, 1)), str, marker=(0.5, "here"))
        assert chart.marker is not None
        assert chart.marker.x == chart.width / 2

    @given(st.lists(st.integers(0, 10_000), min_size=1, max_size=20))
    def test_a_line_is_as_wide_as_its_value(self, values: list[int]) -> None:
        chart = lines([("name", value, str(value), False) for value in values])
        full = max(line.width for line in chart.lines)
        for line, value in zip(chart.lines, values, strict=True):
            assert line.width == pytest.approx(full * value / max(1, *values), abs=0.06)
            assert chart.left + line.width <= chart.width
            assert line.y + chart.thickness <= chart.height


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_every_colour_of_text_can_be_read(mode: str) -> None:
    """WCAG 2.2 AA: a contrast of 4.5 for text, 3 for the parts of charts."""
    style = (html.TEMPLATES / "style.css").read_text()
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    colours = dict(re.findall(r"--(\w+): (#\w{6})", blocks[mode == "dark"]))
    for name, least in {
        **dict.fromkeys(("ink", "quiet", "good", "open", "look", "link"), 4.5),
        **dict.fromkeys(("first", "second", "faint"), 3.0),
    }.items():
        for ground in ("ground", "raised"):
            light, dark = sorted(
                (luminance(colours[name]), luminance(colours[ground])), reverse=True
            )
            contrast = (light + 0.05) / (dark + 0.05)
            assert contrast >= least, f"{name} on {ground}: {contrast:.2f}"


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        (html.usd(None), "unknown"),
        (html.usd(0.0), "$0.00"),
        (html.usd(0.00123), "$0.001230"),
        (html.usd(0.12345), "$0.1235"),
        (html.usd(1234.5), "$1,234.50"),
        (html.compact(9_999), "9,999"),
        (html.compact(12_345), "12k"),
        (html.signed(-0.0001), "+0.000"),
        (html.signed(-0.25, 2), "-0.25"),
        (html.seconds(0.123), "0.12 s"),
        (html.seconds(75.4), "75 s"),
        (html.percent(0.1234), "12.3%"),
    ],
)
def test_numbers_are_short(shown: str, wanted: str) -> None:
    assert shown == wanted
