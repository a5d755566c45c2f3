"""A request that waits -> the moment when it may leave.

replicas.py      the gates of one model, one for each of its servers
gate.py          the gate of one server: one by one, each when everything allows it
server_state.py  what is known of a server, learnt from how attempts end
pace.py          when the next may be sent, judging by what the provider says and refuses
ceiling.py       requests and tokens a minute that the configuration allows
learned_rate.py  the rate that a provider admits, learnt from refusals
headers.py       what the headers of a reply say about rate limits
buckets.py       whether models of one account draw from one allowance
traffic.py       how much of an allowance a request uses
breaker.py       the circuit breaker: nothing but a probe after many failures
queues.py        waiting in turn: lines, and slots over all models
turns.py         who goes first of requests that begin alike
concurrency.py   how many requests of one model may be in flight
"""
