"""What is said, and text for people: worded alike everywhere, safe to show, without keys. Pure.

messages.py        turns of a conversation: their words, pictures, tool calls and thoughts
tool_calls.py      tool calls as words: shown, measured, compared, searched
shown_messages.py  messages as a person reads them
wording.py         numbers with their nouns, lists, cut texts, what was meant; how many tokens
same_reading.py    texts that differ in blanks, encodings and typographic signs only
visible.py         made safe to show, and compared by its looks
shell.py           a value as a word of a shell's command line
model_families.py  which family of models a name tells of
prompt_keys.py     short keys of ids and texts, of which many fit into memory
patterns.py        regular expressions that are compiled when they are first asked
redaction.py       keeps keys out of everything that is written
"""
