"""A YAML file -> a checked RunConfig; every mistake with its line.

file.py          loads a file into a strict model
copies.py        what is wrong with one that a script made of another
document.py      YAML as plain values, with the line of each
syntax.py        what is wrong with a text that is not YAML
mistakes.py      what is wrong with a value: found, allowed, meant
schema_guide.py  what a model takes at a place, in words
other_names.py   what other tools call a setting
run.py           the configuration of a run
model.py         what it says of a model
params.py        what `params` of a model may hold
sampling.py      what it says of sampling
addresses.py     addresses of servers: what may be one, and what one tells
batch.py         what it says of sending a model's requests in batches
price.py         what it says of prices, in batches and without
judges.py        what it says of judges
rubric.py        what it says of criteria of each prompt's own
chat_template.py  a chat template: messages as one string
keys.py          reads the key of a model
choices.py       names that a configuration chooses from a table
providers.py     the providers, and what is true of each
prompt_files.py  the files that `prompts.path` means
shipped.py       the prompts and configurations that come with judgeforge
"""
