"""A RunConfig -> all that is known, checked and priced before the first paid call.

preparation.py       what is checked: rubric, models, keys, network, prices
worklist.py          what is to be done, from one reading of the input
known_input.py       an input that an earlier start has read, and need not be read again
identity.py          what may change between two starts, and what may not
changes.py           whether results depend on what was changed
calibration_file.py  the calibration as a file
own_cost.py          what written criteria and judges' own answers cost
estimate.py          what the calls of a prompt will cost
size_estimates.py    what prompts cost that differ in their words alone
sampling_cost.py     what completions cost that are sampled before judging
further_cost.py      what those cost that are sampled where a pair is in doubt
frames.py            what a judge is sent about a prompt, in tokens
loads.py             what a model has to do, and what that costs
largest_call.py      the row whose calls reserve the most
expected_calls.py    how many calls a start will make
plan.py              what a run would cost
preview.py           what models would be sent about one prompt
batch_plan.py        what batches save, and what caches do
records_plan.py      what the records of writers save
audit_notes.py       what the audit of pairs by design costs and can show
replicas.py          models that several servers have
spending_plan.py     how a sum of money is best spent
spending_words.py    why it is, in sentences
pilot.py             what a run folder shows of its judges, to plan by
check.py             whether a run is ready to start
input_notes.py       how rows were read, and what of them was not
preference_lint.py   what stands out in a preference set of others
row_demands.py       what a configuration asks of every row
judge_words.py       judges' prompts and examples in the user's own words
judge_settings.py    whether judges can do what is asked of them
verifiers.py         whether the programs that checks need can be run here
absent_keys.py       keys of the metadata that checks read and no row has
model_settings.py    whether each model can do what is asked of it
pair_sides.py        whether the writers that pairs are to have write at all
tokenizer.py         the tokenizer that limits of length count with
measure.py           what is bought to measure the judges
network.py           certificates, proxies and hosts, looked at before anything is sent
doctor.py            what a run needs on this machine
server_models.py     which models a server lists
reward_notes.py      what reward models never see, and from when on their numbers count
reward_trial.py      whether a server gives rewards as they are
trial.py             what each model's server does with a few tiny requests
"""
