"""One pass over the result files; report, card and manifest read the same numbers."""
