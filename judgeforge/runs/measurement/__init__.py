"""Measuring the judges of a configuration on labels, through the same door as a run."""
