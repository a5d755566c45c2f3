"""Verdicts made elsewhere, by people, programs or another machine -> judgments of a run.

verdict.py  one row: what it may say, and what is wrong with it
file.py     a whole file, checked before anything is sent
applied.py  the verdicts on a prompt as judgments of its completions, or why they cannot count

Each name in the column `judge` is a judge of its own (`human:ana`, `tests`), whose reliability is
learnt as that of any other. `judgeforge questions` writes what is worth asking; its lines with an
answer added are rows of such a file, and so are the lines of another run's judgments.jsonl.
"""
