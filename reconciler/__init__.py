"""A declarative reconciler for Gcore Cloud security groups."""

__version__ = "0.1.0"
