"""Labels -> reliability, probabilities that hold, a promised share of errors. Pure."""
