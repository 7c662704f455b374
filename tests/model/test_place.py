"""A place reads back equal to itself, and places of every kind have one order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.place import FilePlace, PlainPlace, is_document_name, path_text, read_place

NAMES = st.text(min_size=1).filter(is_document_name)
PATHS = st.lists(st.integers(0, 10**12) | st.text(), max_size=5)
PLACES = st.builds(FilePlace, st.text(), st.integers(1, 10**8), st.integers(1, 10**8)) | st.builds(
    lambda name, path: PlainPlace(name, path_text(*path)), NAMES, PATHS
)


@given(PLACES)
def test_a_place_reads_back_equal(place: FilePlace | PlainPlace) -> None:
    assert read_place(str(place)) == place


@given(NAMES, PATHS)
def test_a_path_is_one_printable_line(name: str, path: list[str | int]) -> None:
    assert str(PlainPlace(name, path_text(*path))).isprintable()


@given(st.lists(PLACES, max_size=5))
def test_places_of_both_kinds_can_be_sorted(places: list[FilePlace | PlainPlace]) -> None:
    """Also where a file and a document have one name."""
    names = [*places, *(FilePlace(place.source, 1, 1) for place in places)]
    assert len(sorted(names, key=lambda place: place.order)) == len(names)


def test_the_tenth_item_comes_after_the_second() -> None:
    places = [PlainPlace("a", path_text("rules", number, "ports")) for number in range(12)]
    assert sorted(places, key=lambda place: place.order) == places
    files = [FilePlace("a", number, 1) for number in range(1, 12)]
    assert sorted(files, key=lambda place: place.order) == files


PATHS_WRITTEN = {
    "nothing": ((), "a"),
    "keys and items": (("security_groups", 0, "rules", 2, "ports"), "a: security_groups[0].rules[2].ports"),
    "an item first": ((3, "name"), "a: [3].name"),
    "a key that needs quotes": (("tags", "a.b"), 'a: tags["a.b"]'),
    "a key with quotes": (("tags", 'a"]'), 'a: tags["a\\"]"]'),
    "an empty key": (("",), 'a: [""]'),
    "a key of another language": (("tags", "größe"), 'a: tags["größe"]'),
    "a key that a terminal would obey": (("\x1b[31m",), 'a: ["\\u001b[31m"]'),
    "a long key": (("x" * 100,), f'a: ["{"x" * 60}..."]'),
}


@pytest.mark.parametrize(("path", "written"), PATHS_WRITTEN.values(), ids=PATHS_WRITTEN)
def test_a_path_is_written_as(path: tuple[str | int, ...], written: str) -> None:
    assert str(PlainPlace("a", path_text(*path))) == written


@pytest.mark.parametrize("name", ["", " a", "a ", "a\nb", "a: b", "a.yaml:1:2", "a\x1b"])
def test_a_name_that_could_be_read_as_something_else_is_none(name: str) -> None:
    assert not is_document_name(name)
