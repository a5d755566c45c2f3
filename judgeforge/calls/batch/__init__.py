"""Many calls sent as one file at half the price, answered within a day; the rest of the door holds.

desk.py        where the door hands in calls, one desk a model, and what a batch shares with it
model_desk.py  the batches of one model: gathers, sends, looks at what is under way
gathering.py   what waits to be sent together, and how much of it fits
sending.py     reserve -> hand over -> create once; what is on the disk before each step
finding.py     a batch whose creation was cut off, found again
collecting.py  results -> cache -> settled -> whoever waits
open_batch.py  one batch under way

What is on the disk about batches is in store/batches.py, what providers call them in
providers/batches.py and the two files beside it.
"""
