"""Rows of files and datasets -> prompts, or skips that say why a row is not one.

reading.py       the rows of any source, in order
files.py         opening files: plain or gz, never whole in memory
lines.py         JSON Lines and plain text
csv_table.py     CSV with a header
parquet.py       Parquet
hugging_face.py  Hugging Face datasets
rows.py          a row as its source gives it, and the columns of a source
row_checks.py    one row -> a prompt, or what is wrong with it
checked_row.py   its ids and digests
messages.py      the messages of a prompt
conversation.py  their order, and which tool answers which call
openai_messages.py  one message, its parts and thoughts
tools.py         the tools of a row, and calls of them
completions.py   the completions that a row brings along
noticed.py       what rows have beside words, and what could not be kept
duplicates.py    ids and prompts that an earlier row has

To add a format: a file with its ``Reader``, and a line in ``ROW_FORMATS`` (config/choices.py).
"""
