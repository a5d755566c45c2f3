"""Judgments of one prompt -> a posterior over the qualities of its completions. Pure."""
