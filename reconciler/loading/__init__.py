"""Stages 1 and 2: YAML files, or plain mappings -> documents -> desired state."""
