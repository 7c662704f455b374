"""`sgctl.toml`: its keys, what is wrong in it and where, and which setting holds."""
