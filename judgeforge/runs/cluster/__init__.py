"""A run in several processes, on one machine or many: the same folder, promises and final bytes.

splitting.py        how many workers a run can use
handed_out.py       which prompts are worked on here, and which by workers
workers.py          the crew: begun, given prompts, replaced where they die
crew.py             who of them gets the next prompt
coordinator.py      what all share: replies, money, log, limits
leases.py           reservations that workers hold, and what becomes of them
shares.py           how much of each limit belongs to which process
messages.py         what coordinator and workers tell each other
channel.py          the way between the two
frames.py           messages as bytes
processes.py        workers as processes of this machine
ray_actors.py       workers as actors of a Ray cluster
worker.py           one worker: door, judges and work over the prompts that it is given
worker_process.py   the program of a local worker
forked.py           local workers that are copies of the program
worker_outbox.py    what a worker tells, gathered for a moment
leased_money.py     the money of a worker: reservations booked ahead
kept_elsewhere.py   the replies of a worker: read from the cache, stored by the coordinator
far_gateway.py      its door, where the cache is on another machine
given_fit.py        the fit of the judges, as the coordinator has made it
team.py             all of it opened for one start, and ended

The coordinator is the process that was started. It holds the folder's lock and writes every file:
a worker is told of nothing that is not on that disk. A run of one process has none of this.
"""
