"""Makes a malformed fragment small without making it well-formed.

jsonschema is thorough and slow, and repeats what it judges in its messages. Of a hostile fragment of a million entries
it gets to see the first that are wrong, found by the quick checks of `structure`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from reconciler.loading.issues import Path
from reconciler.loading.structure import Check, check_of

MOST = 100
"""Wrong entries of a list or mapping that are kept."""


class Reduced(NamedTuple):
    """A fragment without large lists and mappings, and how many wrong entries were left out of it.

    `indices` tells, for each list made shorter, where its items stood.
    """

    value: Any
    omitted: int
    indices: dict[Path, Sequence[int]]

    def original(self, path: Path) -> Path:
        """Say where in the whole fragment the value at a path of the reduced one stands."""
        lists = [self.indices.get(path[:depth]) for depth in range(len(path))]
        return tuple(step if each is None else each[int(step)] for each, step in zip(lists, path, strict=True))


def reduce(kind: str, value: Any) -> Reduced:
    """Reduce a malformed fragment, judged by the definition of that name in the schema."""
    reducer = _Reducer()
    reduced = reducer.reduce(check_of(kind), value, ())
    return Reduced(reduced, reducer.omitted, reducer.indices)


class _Reducer:
    def __init__(self) -> None:
        self.omitted = 0
        self.indices: dict[Path, Sequence[int]] = {}

    def reduce(self, check: Check | None, value: Any, path: Path) -> Any:
        """Reduce a value. Where the schema does not say what its entries are, or takes none, any will do."""
        if value.__class__ not in (list, dict):
            return value
        judged = check if check is not None and check.takes(value.__class__) else None
        return self._list(judged, value, path) if isinstance(value, list) else self._mapping(judged, value, path)

    def _list(self, check: Check | None, value: list[Any], path: Path) -> list[Any]:
        item = None if check is None else check.part(0)
        kept: Sequence[int] = range(len(value))
        if len(value) > MOST:
            kept = self._first([index for index in kept if item is not None and not item(value[index])]) or range(MOST)
            self.indices[path] = kept
        return [self.reduce(item, value[index], (*path, number)) for number, index in enumerate(kept)]

    def _mapping(self, check: Check | None, value: dict[str, Any], path: Path) -> dict[str, Any]:
        parts = {} if check is None else {key: check.part(key) for key in value}
        kept = list(value)
        if len(value) > MOST:
            name = None if check is None else check.names()
            wrong = {key for key, part in parts.items() if part is None or not part(value[key])}
            wrong |= set() if name is None else {key for key in value if not name(key)}
            kept = [key for key in value if key not in wrong][:MOST] + self._first(
                [key for key in value if key in wrong]
            )
        return {key: self.reduce(parts.get(key), value[key], (*path, key)) for key in kept}

    def _first(self, wrong: list[Any]) -> list[Any]:
        self.omitted += max(0, len(wrong) - MOST)
        return wrong[:MOST]
