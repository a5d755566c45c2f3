"""Prompts -> completions, and signs that one was written for its judge."""
