"""The command line: parse, call, print. No logic."""

# Help lists the commands in the order of these imports.
# isort: off
from judgeforge.cli import run, prepare, results, measure, cache
from judgeforge.cli.app import app, main
# isort: on

__all__ = ["app", "cache", "main", "measure", "prepare", "results", "run"]
