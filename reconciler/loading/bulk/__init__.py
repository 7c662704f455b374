"""Large input: read in pieces, which keeps the memory low, and by several processes."""
