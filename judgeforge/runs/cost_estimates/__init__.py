"""What the calls of a run will cost, worked out before one is made.

estimate.py        what the calls of a prompt will cost
size_estimates.py  what prompts cost that differ in their words alone
loads.py           what a model has to do, and what that costs
frames.py          what a judge is sent about a prompt, in tokens
sampling_cost.py   what completions cost that are sampled before judging
further_cost.py    what those cost that are sampled where a pair is in doubt
own_cost.py        what written criteria and judges' own answers cost
largest_call.py    the row whose calls reserve the most
expected_calls.py  how many calls a start will make
batch_plan.py      what batches save, and what caches do
records_plan.py    what the records of writers save

What calls have cost is booked in calls/money/. A run admits prompts by these estimates.
"""
