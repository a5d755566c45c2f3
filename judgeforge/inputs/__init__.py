"""Rows of files and datasets -> prompts, or skips that say why not.

reading.py       the rows of any source, in order
files.py         opening files: plain or gz, never in memory whole
lines.py         JSON Lines and plain text
csv_table.py     CSV with a header
parquet.py       Parquet
hugging_face.py  Hugging Face datasets
rows.py          a row as its source gives it, and the columns of a source
row_checks.py    one row -> a prompt, or what is wrong with it
messages.py      the messages of a prompt
duplicates.py    ids and prompts that occur earlier

To add a format: a file with its ``Reader``, and a line in config/row_formats.py.
"""
