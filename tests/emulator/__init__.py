"""Tests of the embedded stand-in of the API."""
