"""A power cut, as a disk sees it: what a run wrote is recorded, and what was not forced is dropped.

recorder.c    preloaded into a run: every change of a file, and when it was forced onto the disk
recording.py  builds it, runs a command under it, reads what it noted
disk.py       the disk: which folders it may hold if the power goes at a given moment
"""
