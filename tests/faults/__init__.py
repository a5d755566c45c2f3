"""The fault table: what is done to a run, what is promised, what was seen.

One file a kind of fault declares rows (``@fault(...)``); each row is a real run of judgeforge
against the local server. ``test_table.py`` runs them; after each, ``promises.py`` checks what
holds whatever happened. ``make faults`` runs the whole table and writes docs/guarantees.md.
"""
