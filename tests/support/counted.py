"""What tells in a test whether work grows with the product of two sizes, without a clock."""

from collections.abc import Iterator
from typing import TypeVar

T = TypeVar("T")


class Counted(tuple[T, ...]):  # noqa: SLOT001 - it has an attribute
    """Members that count how often somebody goes through them."""

    walks = 0

    def __iter__(self) -> Iterator[T]:
        self.walks += 1
        return super().__iter__()
