"""Results as values -> what the terminal shows. What models wrote is data: shown, never obeyed.

runs.py          what `run` and `status` print
progress.py      a bar on a terminal, elsewhere a line every 30 seconds
reports.py       the summaries that commands print
pairs.py         a run folder's pairs as a table
explanation.py   an explanation of a pair
measurements.py  what `calibrate` and `evaluate` print
cache.py         what `cache` prints
output.py        output that nothing reads any more, as in `| head`
"""
