"""One prompt's completions -> questions to a judge, and its judgments. One file a way to ask.

pointwise.py  one completion at a time, scored
pairwise.py   two compared
listwise.py   all scored side by side
decisions.py  a decision model, which answers in probabilities
reward.py     a reward model, which gives a number
in_numbers.py  asking the last two, once

To add a protocol: a file with a class like ``Judge``, and a line in ``PROTOCOLS``
(ranking/protocols.py).
"""
