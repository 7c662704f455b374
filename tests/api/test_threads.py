"""Work side by side is done once each, in whatever number of threads there are."""

from collections import Counter

import pytest
from threads_left import threads_left

from reconciler.api.threads import in_threads


@pytest.mark.parametrize("most", [1, 3, 100])
@pytest.mark.parametrize("spare", [0, 1, 2, 100])
@pytest.mark.parametrize("failing", [None, 0, 7, 49])
def test_each_item_is_done_once_and_the_first_error_is_raised(most: int, spare: int, failing: int | None) -> None:
    def work(number: int) -> int:
        done[number] += 1
        if failing is not None and number >= failing:
            raise LookupError(number)
        return number * 2

    done: Counter[int] = Counter()
    with threads_left(spare):
        if failing is None:
            assert in_threads(work, range(50), most) == list(range(0, 100, 2))
            assert done == Counter(range(50))
        else:
            with pytest.raises(LookupError, match=f"^{failing}$"):
                in_threads(work, range(50), most)
            assert set(done.values()) == {1}
        assert in_threads(work, (), most) == []
