"""Prompts from files and datasets: read, checked and normalised, one row at a time.

A new format of files is a ``Reader`` (see ``reading``) in a file of its own here, and one line in
the table ``judgeforge.config.row_formats.ROW_FORMATS``.
"""
