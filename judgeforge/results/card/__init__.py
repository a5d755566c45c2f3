"""A manifest and its figures -> the dataset card, ``README.md`` of a run folder.

card.py      the whole card
sections.py  its parts that state facts of a run
markdown.py  Markdown from values
"""
