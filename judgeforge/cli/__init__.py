"""The command line: parse, call, print. No logic.

app.py      the program: how it starts, how it fails, what commands share
typed.py    what was typed: ids that look like options
run.py      `run`, `status` and `watch`
prepare.py  before a run: `check`, `plan`, `preview`, `init`, `doctor`
results.py  after a run: `explain`, `report`, `export`, `questions`, `push`
label.py    people judge: `label`
measure.py  judges against labels: `calibrate`, `evaluate`
rubric.py   a rubric against labels: `rubric improve`
cache.py    `cache stats`, `cache prune`, `cache verify`
show/       what the commands print

To add a command, write a function in one of these.
"""

# Help lists the commands in the order of these imports.
# isort: off
from judgeforge.cli import run, prepare, results, label, measure, rubric, cache
from judgeforge.cli.app import app, main
# isort: on

__all__ = ["app", "cache", "label", "main", "measure", "prepare", "results", "rubric", "run"]
