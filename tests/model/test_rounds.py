"""The order of rounds: what it is, and that long chains do not make it slow."""

import time
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.rounds import in_rounds

NUMBERS = st.integers(0, 7)


def one_by_one(waits_for: dict[int, set[int]]) -> Iterator[int]:
    """The rule as it reads."""
    left = dict(waits_for)
    while left:
        free = [item for item, needs in left.items() if not needs & (left.keys() - {item})]
        for item in free or [next(iter(left))]:
            del left[item]
            yield item


@given(st.dictionaries(NUMBERS, st.sets(NUMBERS)))
def test_rounds_are_what_waits_for_nothing_any_more(waits_for: dict[int, set[int]]) -> None:
    assert list(in_rounds(waits_for)) == list(one_by_one(waits_for))


def test_a_chain_of_ten_thousands_takes_no_time() -> None:
    """It took minutes when each round looked at all that was left."""
    chain = {item: [item + 1] for item in range(30_000)}
    started = time.process_time()
    assert list(in_rounds(chain)) == list(reversed(range(30_000)))
    assert time.process_time() - started < 5
