"""TOML, environment and credentials become `Settings`, all problems at once. Begin reading in load."""
