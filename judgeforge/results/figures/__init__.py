"""The files of a run folder, in one pass -> the numbers that report, card and manifest show.

run.py           all figures of a folder, from one walk, prompt by prompt
pairs.py         pairs: how certain, how far apart, how far to trust them
label_noise.py   how many pairs are wrong, as losses ask
completions.py   completions, by the model that wrote them, and which model answered
judges.py        judges and tiers: how often asked, silent, agreed; what was saved
contrast.py      how wide pairs are, by writers, lengths and style
criteria.py      which criteria tell chosen from rejected
length.py        how far scores go with length
given_labels.py  how verdicts compare with the labels of a set that was judged anew
slices.py        pairs by source, domain, language
attempts.py      how the attempts of calls ended, of whatever they are counted for
activity.py      what a run is doing just now, by its log
calls.py         how the calls went, by the log
replicas.py      how each of a model's servers did
distribution.py  many numbers as a histogram and quantiles
marks.py         what is so of a pair that a finding may speak of
shortlist.py     which pairs a person should read first
"""
