"""Rows of files and datasets -> prompts, or skips that say why a row is not one.

reading.py       the rows of any source, in order
files.py         files line by line, never whole in memory
packed.py        files that are packed: gz, zst
lines.py         JSON Lines and plain text
json_array.py    JSON files that hold one list of rows
csv_table.py     CSV with a header
parquet.py       Parquet
hugging_face.py  Hugging Face datasets
rows_in_memory.py  rows that a program holds, as lines of a file
source_columns.py  the columns of a source: what they make, which are read
literals.py      values that Python wrote as a text
paths.py         values within a column, by a path
shapes/          how rows are laid out: conversations, instructions, preference sets
rows.py          a row as its source gives it
row_checks.py    one row -> a prompt, or what is wrong with it
checked_row.py   its ids and digests
messages.py      the messages of a prompt
messages_in_text.py  messages that a table or a pipeline turned into a text
turns.py         turns as ShareGPT has them
conversation.py  their order, and which tool answers which call
openai_messages.py  one message, its parts and thoughts
picture_columns.py  pictures in a column of their own, put into the messages
tools.py         the tools of a row, and calls of them
completions.py   the completions that a row brings along
noticed.py       what rows have beside words, and what could not be kept
duplicates.py    ids and prompts that an earlier row has
cleaning/        prompts that are near others or in an evaluation set

To add a format: a file with its ``Reader``, and a line in ``ROW_FORMATS`` (config/choices.py).
"""
