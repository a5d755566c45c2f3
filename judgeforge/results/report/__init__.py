"""A run folder -> ``report.html``, one page that needs nothing else.

writing.py      read the folder, count, draw, write
page.py         what stands where on the page
findings.py     what stands out, and what to do about it
charts.py       where the parts of a chart lie
shown_pairs.py  the pairs that are shown whole
words.py        why a prompt gave no pair, in words
html.py         the page as HTML, from templates in a sandbox
"""
