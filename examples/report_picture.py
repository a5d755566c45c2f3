"""Draw the charts of a run's report as one picture; `docs/report.svg` is made this way.

A local server plays two writers, and three judges with different amounts of noise. From the root of
the checkout, in half a minute:

    python -m examples.report_picture docs/report.svg
"""

from __future__ import annotations

import argparse
import re
import tempfile
from pathlib import Path

import yaml

import judgeforge
from examples.calibrated_pairs import NOISE, model, write_config
from judgeforge.results.report.charts import HEIGHT, WIDTH
from tests.local_server import LocalServer

GAP, TITLE = 24, 22
"""Between charts, and the line above each."""


def main(target: Path) -> None:
    with LocalServer(noise_by_model=NOISE) as server, tempfile.TemporaryDirectory() as place:
        config = configured(Path(place), server.openai_url)
        result = judgeforge.run(judgeforge.load_config(config), Path(place) / "run")
        page = (result.folder / "report.html").read_text(encoding="utf-8")
    target.write_text(picture(page), encoding="utf-8")


def configured(folder: Path, url: str) -> Path:
    file = write_config(folder, url, "config.yaml", list(NOISE))
    values = yaml.safe_load(file.read_text())
    values["models"]["other"] = model("other", url, 1.0)
    values["sampling"]["models"] = ["writer", "other"]
    values["pairing"] = {"strategy": "best_vs_random", "min_confidence": 0.7}
    file.write_text(yaml.safe_dump(values))
    return file


def picture(page: str) -> str:
    """The four charts of a report's pairs, two in a row, with its style sheet."""
    style = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)[0]
    charts = re.findall(r"<figcaption>(.*?)</figcaption>\s*(<svg .*?</svg>)", page, re.DOTALL)
    width, height = 2 * WIDTH + GAP, 2 * (TITLE + HEIGHT) + GAP
    parts = [f'<rect width="{width}" height="{height}" style="fill: var(--ground)"/>']
    for number, (title, chart) in enumerate(charts[-4:]):
        x, y = number % 2 * (WIDTH + GAP), number // 2 * (TITLE + HEIGHT + GAP)
        size = f'x="{x}" y="{y + TITLE}" width="{WIDTH}" height="{HEIGHT}"'
        parts += [
            f'<text class="head" x="{x + 8}" y="{y + 16}">{title}</text>',
            chart.replace("<svg ", f"<svg {size} ", 1),
        ]
    fonts = "text { font-family: system-ui, sans-serif; } svg .head { font-size: 16px; }"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">\n'
        f"<style>{style}{fonts}</style>\n" + "\n".join(parts) + "\n</svg>\n"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("target", type=Path, help="the picture (.svg)")
    main(parser.parse_args().target)
