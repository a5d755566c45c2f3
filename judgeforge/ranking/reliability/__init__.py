"""Judgments of many prompts -> each judge's scale, noise, bias and discrimination. Pure.

judges.py     what is known of judges, and what is assumed before any evidence
fit.py        the reliability of all judges of a run
scores.py     from their scores
verdicts.py   from their verdicts on two completions
writers.py    what each writer is worth by them
seen_qualities.py  what the judgments of a prompt measure, for that
rewards.py    the scale of reward models, and what verdicts tell of them
agreement.py  from their verdicts in one order, by how far they agree
unseen.py     what their judgments cannot show, from recorded judges
alone.py      how much of what a judge that is alone says is signal
closeness.py  how often completions are equally good, or nearly
"""
