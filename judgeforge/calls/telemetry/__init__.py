"""What is told to OpenTelemetry of runs, prompts and calls, where the user has set it up.

conventions.py  the names that are used, and of which version of the conventions
content.py      words as attributes, only where the user asks for them
recording.py    spans, counters and events; the only place that knows the library
far_calls.py    calls of other processes of a run, told when their prompt has come back
traced_door.py  the door to paid calls with a span around each call

Nothing here is imported, and nothing costs anything, as long as the process has no SDK: then
``configured()`` gives None. Whatever is told passes redaction, as the log does.
"""
