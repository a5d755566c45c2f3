"""Prompts from files and datasets: read, checked and normalised, one row at a time."""
