"""Ranking -> what to ask next, or stop. Pure."""
