"""How live state differs from the files, how much that matters, and who is told."""
