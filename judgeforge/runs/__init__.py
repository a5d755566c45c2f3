"""One run: checked, priced, worked through, recorded."""
