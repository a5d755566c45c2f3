"""The command line: parse, call, print. No logic."""

# isort: split  (commands are listed in the order of these imports)
from judgeforge.cli import prepare, results, run
from judgeforge.cli.app import app, main

__all__ = ["app", "main", "prepare", "results", "run"]
