"""The run folder on disk: what must survive kill -9 and a power cut.

folder.py           where its files are, and how the results are written
files.py            writing files so that no reader sees half of one
appended_file.py    a durable file that only grows
fixed_file.py       a durable file of places of one fixed size
json_lines.py       reading JSON-lines files back, line by line
journal.py          finished prompts in the order in which they finish
finished_index.py   the finished prompts by their id
finished_prompt.py  how one prompt ended, as lines of the files
evidence_rows.py    rows that earlier versions wrote, as their facts
spending.py         what the folder has spent
counters.py         what the last prompts cost, for the next start
fit.py              the frozen fit of the judges
log.py              `log.jsonl`
lock.py             one run at a time on a folder
flock.py            the kernel's lock on an open file
audit.py            the proof at the end that nothing vanished
recognition.py      what to say of a place that is not a run folder
"""
