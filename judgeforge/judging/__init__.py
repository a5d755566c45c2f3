"""Completions of a prompt -> judgments of them, by models and by code.

rubric.py         what completions are judged by
judge.py          what a judge is, and what its judgments share
panel.py          all judges of a run, by the protocol of each
asking.py         judges that write: replies in a schema, with one repair
judge_prompts.py  prompts of judges, from templates
templates.py      these templates, in a sandbox
layout.py         what requests of a row share, and the code of their tags
material.py       what is judged, between tags: words, tool calls, pictures, thoughts
first_replies.py  whether a judge can be read, and in which form it is asked
unread_judge.py   a judge that could not be read yet, and what to say of it
own_prompts.py    prompts in the user's own words: texts with named places
own_answers.py    judges that answer a prompt themselves before they judge
own_criteria/     criteria of one prompt's own, from its row or written by a model
elsewhere/        judgments that people, programs or other machines made
escalation.py     the first tier of judges, then those that tell most for their price
asked_so_far.py   what was asked about one prompt so far, and what came of it
own_family.py     which completions come from a judge's own model family
verification.py   criteria that code verifies
protocols/        one file a way to ask
replies/          reads what judges answer, strictly
checks/           what code can check of a text
programs/         what needs a program of its own: mathematics, tests, functions

A judge is a model, a protocol and settings. It offers questions about some completions of a
prompt; the panel asks all of them, the escalation those that are worth their price:

pointwise   one completion a question, each criterion on its scale
pairwise    two, in both orders by default: a verdict, by criterion or overall
listwise    all of a prompt in one question
decisions   typed questions to a model that answers with probabilities
reward      a conversation to a model that answers with a number
checks      by code, at no cost, before a model is asked

A reply is read strictly, or once more after a repair, or the judgment is missing and says in which
way (`missing_kind`); nothing is guessed. Prompt, answers and reference are data: they are placed
between delimiters that no text can forge, and no template runs them. Required criteria that code
checks are a veto after ranking.

Where judges cost more than the doubt is worth, `cascade` in the configuration sets tiers: the first
judges everything, the others what ranking/cascade/ names, one question at a time, until the target
confidence is reached or no question is worth its price.

A judge of the same model family as a writer can be left out for that writer's answers, or only
noted (own_family.py). A run measures its judges as it goes (ranking/reliability/); that needs no
labels, and labels improve it (calibration/). `judging.on_judge_failure` says what to do while a
judge is out of order: wait for it, go on without it, or stop the run. A judgment that is still
missing is a gap in the evidence, not in the run.

To add a protocol: a file in protocols/, and a line in ``PROTOCOLS`` (ranking/protocols.py).
"""
