"""A RunConfig -> what every start needs before its first paid call.

preparation.py       rubric, judges, keys, calibration and prices, read and checked
worklist.py          what is to be done, from one reading of the input
known_input.py       an input that an earlier start has read, and need not be read again
identity.py          what may change between two starts, and what may not
changes.py           whether results depend on what was changed
calibration_file.py  the calibration as a file
judge_words.py       judges' prompts and examples in the user's own words
extra_judgments.py   which prompts are judged more often, so that the judges are measured
replicas.py          models that several servers have
tokenizer.py         the tokenizer that limits of length count with

Each thing is read once here; whether it will do is asked in validation/.
"""
