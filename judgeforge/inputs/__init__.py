"""Rows of files and datasets -> prompts, or skips that say why a row is not one.

reading.py       the rows of any source, in order
files.py         opening files: plain or gz, never whole in memory
lines.py         JSON Lines and plain text
csv_table.py     CSV with a header
parquet.py       Parquet
hugging_face.py  Hugging Face datasets
rows.py          a row as its source gives it, and the columns of a source
row_checks.py    one row -> a prompt, or what is wrong with it
messages.py      the messages of a prompt
duplicates.py    ids and prompts that an earlier row has

To add a format: a file with its ``Reader``, and a line in ``ROW_FORMATS`` (config/choices.py).
"""
