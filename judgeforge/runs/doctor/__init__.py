"""Whether this machine and the servers of models can do what a run needs, by looking and asking.

doctor.py         what a run needs on this machine
trial.py          what each model's server does with a few tiny requests
trial_door.py     a door for these requests, which keeps nothing but what they cost
reward_trial.py   whether a server gives rewards as they are
server_models.py  which models a server lists

`doctor` looks and pays nothing; with `--ask`, as `check --ask`, it pays for a few tiny calls.
"""
