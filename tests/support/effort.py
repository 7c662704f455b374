"""How hard properties are tried: some examples in `make test`, all with `--full`, others each time with `--search`."""

from hypothesis import HealthCheck, settings

QUICK, FULL, SEARCH = "quick", "full", "search"
# Busy machines are slow: pytest ends what hangs.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
# The same examples each time: whoever changes a line is told of that line, and not of what nobody has found before.
settings.register_profile(QUICK, _PATIENT, max_examples=16, derandomize=True)
settings.register_profile(FULL, _PATIENT, max_examples=100, derandomize=True)
settings.register_profile(SEARCH, _PATIENT, max_examples=300, derandomize=False)


def examples(number: int) -> int:
    """Return how many of so many examples a run takes. The profile is loaded before any test is imported."""
    return max(1, number * settings.default.max_examples // 100)  # type: ignore[union-attr]  # there is always one
