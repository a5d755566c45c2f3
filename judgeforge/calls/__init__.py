"""The door to paid calls: a request -> its reply, stored and paid once.

call.py          a call as a value, and the door as sampling and judging see it
gateway.py       cache, then (retry around) gate -> reserve -> send -> settle
flight.py        a call under way, and who waits for it
attempt.py       one attempt, once it has passed the gate
acceptance.py    whether a refusal is about its request or about the model
retry.py         when an attempt is repeated, and after how long
hedging.py       a second request for a reply that is late
known_answers.py  a request that was answered, asked again where others are not
input_read.py    whether a server can have read a whole input
endpoints.py     one configured model: its servers, gates and price
prefixes.py      what calls begin with in common, and what a cache makes of it
judge_calls.py   the door as judges see it: fallbacks, questions that are too long
cache.py         paid replies on disk
cache_entry.py   one of them, as it is written and read
stores.py        what the door needs of whatever keeps replies and money
cache_upkeep.py  what `cache stats`, `prune` and `verify` do
batch/           many calls as one file, at half the price
limits/          when a model's next request may leave
money/           prices, the budget of a folder, the ledger of a day
providers/       one file an API; the only place that knows SDKs
telemetry/       what is told to OpenTelemetry, where the user has set it up

What one call meets, in this order; docs/guarantees.md rests on it:

1. Its key. Equal requests are one call: the second waits for the reply of the first.
2. The cache. What was paid before, by any run, is not sent.
3. The gate of its model: breaker, requests in flight, requests and tokens a minute, slots.
4. A reservation, on disk before anything is sent: the most that the attempt can cost.
5. The request, once, with a time limit. Retries are ours, so the SDKs never retry.
6. The reply goes into the cache before anything uses it; then the reservation is settled at what
   was billed.
7. One line of log for each attempt, however it ended.

A call of a model with `batch` is gathered with others instead of 3 to 5; all of them are reserved
and sent as one (batch/), and 6 and 7 follow for each when the batch has ended.

What an attempt that fails costs, and what follows (calls/providers/http_errors.py tells them apart,
money/budget.py keeps the books):

no connection          nothing was sent: released, tried again
429, 5xx               nothing is billed: released, tried again, the gate learns
400, 413, 422          nothing is billed: released, an outcome of this call alone
403, 404               the same where the model has answered others
401, no money          the account is meant: the run stops and names the key (exit 4), unless
                       what was answered before is answered beside it (known_answers.py)
refused from the first a model that answers nothing: the run stops and quotes it (exit 4)
reset, timeout         it may have been billed: counts as spent whole, tried again
unreadable reply       billed: settled at what it says, tried again

An interrupt ends what has not been sent, waits for what has, and stores it. A hedge is a second
request for a reply that is late: the first reply is used, and both are paid for. Of all this,
sampling and judging see only `Asks` (call.py).
"""
