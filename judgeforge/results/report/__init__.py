"""A run folder -> ``report.html``, one page that needs nothing else.

writing.py        reads the folder, counts, draws, writes
page.py           what is where on the page
call_findings.py  what stands out in how the calls went
findings.py       what stands out, and what to do about it
contrast_findings.py  the same of how wide pairs are, and of whose style
finding.py        what a rule says
charts.py         where the parts of a chart are
shown_pairs.py    the pairs that are shown whole
pair_list.py      these in a list that can be ordered and reduced
shown_turns.py    turns with their calls, thoughts and pictures
words.py          why a prompt gave no pair, in words
html.py           the page as HTML, from templates in a sandbox
compiled_templates.py  the templates, compiled once
result_view.py    a run in the cell of a notebook: totals and the first pairs
opening.py        the page in the cell of a notebook, or in the browser
"""
