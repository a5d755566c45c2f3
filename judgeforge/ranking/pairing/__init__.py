"""Ranking -> pairs. Pure."""
