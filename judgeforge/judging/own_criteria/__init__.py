"""Criteria of one prompt's own, from its row or from a model, and the rubric that they make.

reading.py        a row's `criteria` -> criteria, or what is wrong with them
prompt_rubric.py  criteria of one prompt + the rubric of all -> the rubric of this prompt
writing.py        a model writes the criteria of a prompt, once
written.py        what the writing model replied, read strictly

Criteria of a prompt's own stand after those of the rubric, in the same request: the system message
is the rubric's alone and the same for all prompts, the own ones open the user message, between
tags. What judges say of them counts like everything else that the rubric asks.
"""
