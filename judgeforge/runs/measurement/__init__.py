"""A RunConfig and a label file -> a calibration or an evaluation of its judges.

calibrating.py  `judgeforge calibrate`
evaluating.py   `judgeforge evaluate`
improving.py    `judgeforge rubric improve`
label_rows.py   label files
preference_labels.py  preference sets as label files
label_run.py    asks all judges about labelled prompts
"""
