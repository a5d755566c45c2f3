"""Judgments and labels of people -> what judges are worth, and a promised share of errors. Pure.

api.py              `calibrate` for scripts that bring their own judgments
calibration.py      what labels have shown: the file that `judgeforge calibrate` writes
fit.py              judgments and labels -> a calibration
labels.py           labels, how far people agree, which are held out
weights.py          how much each judge counts, and what to correct for
followed.py         how far labels are followed away from what judgments alone tell
alone_by_labels.py  how much a judge that is alone sees, by labels
contributions.py    what each judge says for each completion, in log-odds
choice_model.py     a conditional logit of what people prefer
criteria.py         which criteria of a rubric speak for what people prefer
confidence_fit.py   predicted probabilities -> probabilities that hold
pair_maps.py        the same of pairs, whose sides may be equally good
thresholds.py       from which probability on a pair is kept for `max_error`
promise.py          what is promised of the pairs kept, in words
evaluation/         how good judges are, alone and together
"""
