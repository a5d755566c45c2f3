"""The text of a judge's reply -> scores, verdicts and probabilities, or why it cannot be read.

json_object.py    a reply that must be one JSON object
structured.py     the schemas of replies, and reading them
in_words.py       judges that answer in words instead
textual_forms.py  the documented forms of such answers
probabilities.py  probabilities of answers, and expected scores
decisions.py      the answers of a decision model
rewards.py        the number of a reward model

To add a form of words: a function and a line in textual_forms.py.
"""
