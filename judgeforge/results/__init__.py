"""A run folder -> what people and trainers read of it. Changes nothing of the run.

status.py   how a run folder stands
explain.py  why a pair is what it is
facts.py    what a manifest says of how a run was made
pairs.py    `pairs.jsonl`, one pair at a time
figures/    all numbers, from one pass over the files
report/     `report.html`
card/       the dataset card, `README.md`
export/     the formats of trainers
"""
