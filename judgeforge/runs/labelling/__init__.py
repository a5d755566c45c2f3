"""`judgeforge label`: a local page on which a person says which answers are better.

labelling.py   the command: what it serves, and how it ends
several.py     `--compare`: how far several people agree, and their labels as one file
server.py      HTTP, to this machine and one person only
pages.py       a session as HTML, from templates/
markdown.py    Markdown of models as parts that a template draws
session.py     what comes next, and what an answer does
choosing.py    which answers, in which order, on which side, which of them twice. Pure
standing.py    what the labels so far have shown. Pure
opinion.py     what the judges say, told after the click. Pure
people.py      how far people agree with each other and with themselves. Pure
sources.py     a run folder, or rows that bring their completions
material.py    what is shown of one look, and what a label row has besides
label_line.py  an answer as a line of a label file. Pure
label_file.py  the file: on the disk before the next page

What models, rows and people wrote is data here: shown, escaped in one place, and never opened.
"""
