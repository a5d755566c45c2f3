"""Judgments of many prompts -> each judge's scale, noise, bias and discrimination. Pure."""
