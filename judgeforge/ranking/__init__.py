"""Judgments of one prompt -> a posterior over its completions, a ranking, pairs. Pure.

api.py             `rank` and `fit_reliability` for scripts
validation.py      judgments that a script brings, checked
evidence.py        judgments as numbers
rewards.py         rewards of any size as scores within their prompt
ranking.py         the posterior of a prompt, as a value
posterior.py       evidence -> a normal posterior of the qualities
rank.py            all judgments -> the ranking
confidence.py      P(one completion is better than another, or equal), P(one is the best)
outcomes.py        two completions differ widely, slightly or not at all
confidence_map.py  probabilities as believed -> probabilities that hold
distributions.py   errors with heavy tails
beta.py            the Beta distribution, of shares
rules.py           what the configuration may ask of pairing and cascade
protocols.py       the ways to judge, and what is true of each
rehearsal.py       a way of judging, on prompts drawn from what is known of the judges
reliability/       what each judge is worth, from judgments alone
cascade/           what to ask next, or stop
pairing/           a ranking -> pairs

The model, in short. The qualities of a prompt's completions are drawn around the mean of the run. A
judgment measures them: a score with the offset, scale and noise of its judge, a verdict through
the gap of two qualities. Judges share errors on a prompt, their own and a common one, so that eight
answers of one judge are not eight judges. Errors have the tails of Student's t.

judgments  -> evidence       numbers: scores, comparisons, repeats; what code decided, apart
evidence   -> posterior      means and covariance of the qualities (docs/judging.md)
posterior  -> probabilities  P(better), P(best); corrected where labels have fitted a map
ranking    -> pairs          a strategy proposes, rules and the promise decide

What code has decided is certain: a failed required check puts a completion below all others.
"""
