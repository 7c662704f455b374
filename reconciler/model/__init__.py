"""Value objects that every stage shares, and `canonical`, which says when two rules are the same."""
