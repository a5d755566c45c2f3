"""A RunConfig -> a reward function for trainers: completions of a training, judged as in a run.

function.py   `reward` and `areward`: what a trainer calls
settings.py   what they take, checked at the door
checking.py   whether a configuration without prompts is ready, for `check`
imagined.py   what such a configuration asks and costs, for `preview` and `plan`
rows.py       a trainer's batch -> groups of completions of one prompt
session.py    a run folder that stays open while a training goes on
scoring.py    one group -> its scores, and the fit of the judges
unclosed.py   functions that nobody closes
own_loop.py   an event loop in a thread of its own

Everything that is paid passes the same door as in a run (calls/), into a folder of the same kind:
what was judged is in its journal at once, and its result files are written when it is closed.
"""
