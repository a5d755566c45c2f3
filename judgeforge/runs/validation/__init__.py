"""What is wrong with a configuration and its input, told before anything is sent.

judge_settings.py   whether judges can do what is asked of them
model_settings.py   which models are used, and whether each can do what is asked of it
pair_sides.py       whether the writers that pairs are to have write at all
audit_notes.py      what the audit of pairs by design costs and can show
reward_notes.py     what reward models never see, and from when on their numbers count
row_demands.py      what a configuration asks of every row
input_notes.py      how rows were read, and what of them was not
preference_lint.py  what stands out in a preference set of others
absent_keys.py      keys of the metadata that checks read and no row has
verifiers.py        whether the programs that checks need can be run here
network.py          certificates, proxies and hosts, looked at before anything is sent

A mistake is a ConfigError with its key; what is only worth knowing is a note or a warning. Rows
themselves are checked in inputs/row_checks.py.
"""
