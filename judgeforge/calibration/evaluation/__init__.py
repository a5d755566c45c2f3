"""Judgments and labels of people -> how good the judges are, alone and together. Pure.

api.py            `evaluate` for scripts that bring their own judgments
evaluation.py     what was found: figures of panel, judges and items
judge_figures.py  one judge on its own: accuracy, biases, ties
statistics.py     shares with intervals, agreement, calibration error
"""
