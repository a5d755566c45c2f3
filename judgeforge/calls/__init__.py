"""The door to paid calls: a request -> its reply, stored and paid once.

asks.py         what the door is to those who ask, and what comes back
call.py         a call as a value: the canonical request and its key
gateway.py      cache, then (retry around) gate -> reserve -> send -> settle
attempt.py      one attempt, once it has passed the gate
retry.py        when an attempt is repeated, and after how long
hedging.py      a second request for a reply that is late
endpoints.py    one configured model: its provider, gate and price
judge_calls.py  the door as judges see it: fallbacks, questions that are too long
cache/          paid replies on disk
limits/         when a model's next request may leave
money/          prices, the budget of a folder, the ledger of a day
providers/      one file an API; the only place that knows SDKs
"""
