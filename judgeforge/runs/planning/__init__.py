"""Everything before the first paid call."""
