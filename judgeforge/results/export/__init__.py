"""The pairs of a run folder, or all its judged completions, -> files that trainers read.

export.py          exporting to a target format
places.py          where its files go, and what is not replaced
targets.py         what a target is, and what it can hold
known_targets.py   all of them by name, and finding one
formats/           a row of each trainer, one file a format
arrow.py           columns and their types, as Parquet and as a dataset
images.py          pictures as their bytes
thinking.py        thoughts as a field, as words, or left out

To add a format: a function for its row in formats/, and a line in ``TARGETS`` of known_targets.py.
"""
