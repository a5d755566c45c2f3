"""One file a way to ask a judge.

A new protocol is a class like ``Judge`` (see ``judging.judge``) in a file of its own here, and one
line in the table ``judgeforge.ranking.protocols.PROTOCOLS``.
"""
