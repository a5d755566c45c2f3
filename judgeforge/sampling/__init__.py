"""A prompt -> completions of it, and signs that one was written for its judge.

draws.py      which writers, temperatures and system messages write them
sampling.py   completions, spread over models, temperatures and seeds
further.py     more completions while a prompt is judged, where its pair is in doubt
duplicates.py  completions that say the same as another one, or nearly the same
suspicion.py  signs that a completion was written for its judge
"""
