"""Judgments of one prompt -> a posterior over its completions, a ranking, pairs. Pure.

api.py             `rank` and `fit_reliability` for scripts
validation.py      judgments that a script brings, checked
evidence.py        judgments as numbers
posterior.py       evidence -> a normal posterior of the qualities
rank.py            all judgments -> the ranking
best.py            P(a completion is the best of its prompt)
confidence.py      P(one completion is better than another)
confidence_map.py  probabilities as believed -> probabilities that hold
distributions.py   errors with heavy tails
rules.py           what the configuration may ask of pairing and cascade
protocols.py       the ways to judge, and what is true of each
reliability/       what each judge is worth, from judgments alone
cascade/           what to ask next, or stop
pairing/           a ranking -> pairs
"""
