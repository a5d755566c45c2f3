"""Completions -> judgments. One file a protocol."""
