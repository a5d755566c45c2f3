"""The reading side of a run folder: figures, report, card, exports, explain, status."""
