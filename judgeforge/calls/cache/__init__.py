"""Keys of calls -> their paid replies, on disk.

cache.py   stored once, before anyone uses it, and never trusted blindly
entry.py   one reply as the text of a row, checked at every reading
upkeep.py  what is in the cache, whether it is whole, what may go
"""
