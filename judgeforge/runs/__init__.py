"""A RunConfig -> a run folder: checked, priced, worked through, recorded.

run.py          configuration -> checks, door, judges, pipeline -> run folder
start.py        one `judgeforge run`: its folders one after another
session.py      one start of a run: opens, runs, writes, closes
pipeline.py     the flow of all prompts, many at once
prompt_work.py  one prompt the whole way
admission.py    which prompt may still begin, by the money left
fit.py          the reliability of judges, learnt once and then frozen
record.py       what a run leaves behind
manifest.py     what `manifest.json` says
progress.py     what keeps a run from getting on, in words
result.py       how a start ended, for programs and in one line
on_finish.py    tells a command or a webhook how a run ended
folders.py      where a run goes; a folder a day
process.py      what signals do to a run
planning/       everything before the first paid call
measurement/    judges measured on labels
"""
