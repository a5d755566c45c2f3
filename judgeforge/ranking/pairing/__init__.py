"""The ranking of one prompt -> its pairs, or the reason why there is none. Pure.

selection.py   a strategy proposes, the rules decide
strategies.py  which pairs are proposed
provenance.py  the records that are written

To add a strategy: a function and a line in strategies.py.
"""
