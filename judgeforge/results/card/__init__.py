"""The dataset card: README.md of a run folder."""
