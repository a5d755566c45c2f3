"""YAML -> RunConfig; every mistake with its line."""
