"""The run folder: lock, journal, manifest and the files that a run leaves behind."""
