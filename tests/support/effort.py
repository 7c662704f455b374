"""How hard properties are tried: some examples in `make test`, all with `--full`, others each time with `--search`."""

from hypothesis import settings

QUICK, FULL, SEARCH = "quick", "full", "search"
# The same examples each time: whoever changes a line is told of that line, and not of what nobody has found before.
# None has a deadline, which a busy machine would miss: pytest ends what hangs.
settings.register_profile(QUICK, max_examples=16, derandomize=True, deadline=None)
settings.register_profile(FULL, max_examples=100, derandomize=True, deadline=None)
settings.register_profile(SEARCH, max_examples=300, deadline=None)


def examples(number: int) -> int:
    """Return how many of so many examples a run takes. The profile is loaded before any test is imported."""
    return max(1, number * settings.default.max_examples // 100)  # type: ignore[union-attr]  # there is always one
