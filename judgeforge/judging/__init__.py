"""Completions of a prompt -> judgments of them, by models and by code.

rubric.py         what completions are judged by
judge.py          what a judge is, and what its judgments share
panel.py          all judges of a run, by the protocol of each
asking.py         asking for replies in a schema, with one repair
judge_prompts.py  prompts of judges, from templates in a sandbox
escalation.py     the first tier of judges, then those that tell most for the money
own_family.py     which completions come from a judge's own model family
verification.py   criteria that code verifies
protocols/        one file a way to ask
replies/          reading what judges answer, strictly
checks/           what code can check of a text
"""
