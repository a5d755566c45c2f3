"""A run folder -> what people and trainers read. Changes nothing of the run.

status.py          how far a run has come
changed_files.py   whether its files are as the run left them
own_criteria.py    criteria of a prompt's own, for people
explain.py         why a pair is what it is
explain_completion.py  why a completion has its score, in a pair or not
how_made.py        what a manifest says about how a run was made
judge_effects.py   which evidence moved a pair
judged_prompts.py  prompts with all completions that were judged
push.py            publishing pairs and card on the Hugging Face Hub
questions.py       what is still in doubt, for others to judge
figures/           all numbers, from one pass over the files
report/            `report.html`
card.py            the dataset card, `README.md`
card_sections.py   its parts, as Markdown from values
card_contrast.py   the same of how wide the pairs are
export/            the formats of trainers

Everything here is made from final files, so it can be made again at any time: `judgeforge report`
and `judgeforge export` change nothing of the run.

manifest, card, report   show the same numbers: one walk over the files counts them (figures/run.py)
explain, status          read only what they need, and work while a run goes on
export                   streams the pairs; a trainer's format is one function of a pair

Rows of earlier versions are read through store/evidence_rows.py. What models wrote is data:
Markdown and HTML are escaped, and a terminal gets visible characters.

To add a format of pairs: a function in export/formats/, a line in TARGETS (known_targets.py).
To add a figure: count it in figures/, then show it in report/ or in card_sections.py.
"""
