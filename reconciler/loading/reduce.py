"""Makes a malformed fragment small without making it well-formed.

jsonschema is thorough and slow, and repeats what it judges in its messages. Of a hostile fragment of a million entries
it gets to see the first that are wrong, found by the quick checks of `structure`.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Any, NamedTuple

from reconciler.loading.issues import Path
from reconciler.loading.structure import Check, check_of

MOST = 100
"""Wrong entries of a list or mapping that are kept."""

_ANYTHING = Check({}, {})


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
        """Reduce a value. Where no check says what its entries may be, any of them will do."""
        check = _ANYTHING if check is None else check
        if isinstance(value, list):
            return self._list(check, value, path)
        return self._mapping(check, value, path) if isinstance(value, dict) else value

    def _list(self, check: Check, value: list[Any], path: Path) -> list[Any]:
        item = check.inside("items")
        kept: Sequence[int] = range(len(value))
        if len(value) > MOST:
            kept = self._first([index for index in kept if item is not None and not item(value[index])]) or range(MOST)
            self.indices[path] = kept
        return [self.reduce(item, value[index], (*path, number)) for number, index in enumerate(kept)]

    def _mapping(self, check: Check, value: dict[str, Any], path: Path) -> dict[str, Any]:
        name, known, other = check.inside("propertyNames"), check.properties(), check.inside("additionalProperties")
        kept = list(value)
        if len(value) > MOST:
            patterns = check.patterns()
            named = {key: part for key in value for meets, part in patterns if meets(key)} | known
            judged = [(key, part, named.get(key, other)) for key, part in value.items()]
            wrong = {key for key, part, check in judged if check is not None and not check(part)}
            wrong |= {key for key in value if name is not None and not name(key)}
            right = (key for key in value if key not in wrong)
            kept = [*islice(right, MOST), *self._first([key for key in value if key in wrong])]
        return {key: self.reduce(known.get(key, other), value[key], (*path, key)) for key in kept}

    def _first(self, wrong: list[Any]) -> list[Any]:
        self.omitted += max(0, len(wrong) - MOST)
        return wrong[:MOST]
