"""Judgments and labels -> how good the judges are, alone and together. Pure."""
