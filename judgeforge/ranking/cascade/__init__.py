"""The evidence on one prompt -> what to ask next, or nothing. Pure.

choose.py      what to ask next, where the pair is still in doubt
candidates.py  what could be asked next
another.py     one more completion, as a thing that could be bought
gain.py        how much an answer is expected to tell
training_value.py  what pairs are worth to a model that is trained on them
"""
