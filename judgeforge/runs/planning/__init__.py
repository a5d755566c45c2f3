"""A RunConfig -> what a run would do, cost and send, told without a paid call.

plan.py            what a run would cost
check.py           whether a run is ready to start
preview.py         what models would be sent about one prompt
pace_notes.py      how long it takes, as far as anything tells
spending_plan.py   how a sum of money is best spent
spending_words.py  why it is, in sentences
pilot.py           what a run folder shows of its judges, to plan by

No run goes through these: they answer `plan`, `check` and `preview`. What they tell is found out in
validation/, preparation/ and cost_estimates/, which a run goes through as well.
"""
