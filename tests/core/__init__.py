"""Tests of the pure core: from rules to plans and plan files."""
