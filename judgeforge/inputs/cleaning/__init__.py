"""Prompts that are left out before anything is paid for: near another one, or in an evaluation set.

clean_prompts.py     the rows of the input, with skips in the place of such prompts
near_duplicates.py   is a prompt near an earlier one, and to which
band_table.py        bands of sketches, and the rows that have them
contamination.py     is a prompt the row of an evaluation set, and of which
evaluation_sets.py   files, folders and datasets -> the texts of their rows
pieces.py            texts -> sets of hashed pieces of them
"""
