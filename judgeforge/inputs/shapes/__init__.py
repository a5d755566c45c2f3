"""The shapes in which people have their rows: each recognised by its columns, never guessed.

recognition.py    columns -> the one shape that they make, or the two that they could
shape.py          what a shape is, and the plainest one: rows of prompts
conversations.py  ShareGPT, and rows of messages as for fine-tuning
alpaca.py         instruction, input and output
transcripts.py    whole conversations in one text, as HH has them
preferences.py    chosen and rejected, with a prompt or without
comparisons.py    two answers and what was said of them (HelpSteer, Chatbot Arena, PKU-SafeRLHF)
scored.py         one scored answer a row, those of a prompt one below the other (HelpSteer)

To add a shape: a file with its ``Shape``, and a line in ``ROW_SHAPES`` (config/choices.py).
"""
