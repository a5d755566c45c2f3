"""Reading what judges answer, strictly."""
