"""The pairs of a run folder -> files that trainers read.

export.py   exporting to a target format
target.py   what a target is
targets.py  the targets by name
arrow.py    the columns of a pair and their types

To add a format: a target and a line in targets.py.
"""
