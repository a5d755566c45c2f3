"""Results as values -> what the terminal shows. What models wrote is data: shown, never obeyed.

runs.py          what `run` and `status` print
progress.py      how far a run is: a line every 30 seconds where no terminal shows a bar
progress_bar.py  the bar
watching.py      what `watch` prints
preparation.py   what `check`, `plan`, `init` and `doctor` print
spending.py      what `plan --usd` prints
preview.py       what `preview` prints
pairs.py         a run folder's pairs as a table
explanation.py   an explanation of a pair
labelling.py     what `label` prints, and how far people agree
measurements.py  what `calibrate` and `evaluate` print
criteria.py      what `rubric improve` prints
cache.py         what `cache` prints
output.py        lines and pages, also where nothing reads them any more (`| head`)
"""
