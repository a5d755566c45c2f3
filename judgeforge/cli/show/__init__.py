"""Results as values -> what the terminal shows. What models wrote is data: shown, never obeyed.

runs.py          what `run` and `status` print
watching.py      what `watch` prints
progress.py      a bar on a terminal, elsewhere a line every 30 seconds
preparation.py   what `check`, `plan`, `init` and `doctor` print
spending.py      what `plan --usd` prints
pairs.py         a run folder's pairs as a table
explanation.py   an explanation of a pair
measurements.py  what `calibrate` and `evaluate` print
criteria.py      what `rubric improve` prints
cache.py         what `cache` prints
output.py        the consoles, also where nothing reads them any more (`| head`)
"""
