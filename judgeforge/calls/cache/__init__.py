"""Paid replies on disk."""
