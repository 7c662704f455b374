"""How hard properties are tried: with some of the examples in `make test`, with all of them by `pytest --full`."""

from hypothesis import settings

QUICK, FULL = "quick", "full"
settings.register_profile(FULL, max_examples=100)
settings.register_profile(QUICK, max_examples=16)


def examples(number: int) -> int:
    """Return how many of so many examples a run takes. The profile is loaded before any test is imported."""
    return max(1, number * settings.default.max_examples // 100)  # type: ignore[union-attr]  # there is always one
