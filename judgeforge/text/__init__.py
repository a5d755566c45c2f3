"""Words: safe for a terminal, redacted, counted, suggested."""
