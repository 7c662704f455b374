"""The key is found however it is written, and nothing else is lost."""

import base64
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.secret import Secret

KEYS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=12, max_size=80)
"""What can be sent in a header."""

WAYS = (
    lambda letter: letter,
    lambda letter: f"\\u{ord(letter):04x}",
    lambda letter: f"\\\\x{ord(letter):02X}",
    lambda letter: f"%{ord(letter):02x}",
    lambda letter: f"%25{ord(letter):02X}",
    lambda letter: f"&#{ord(letter)};",
    lambda letter: f"&#x{ord(letter):02x};",
)
AROUND = st.text(st.sampled_from("\u00e4 \n\u4e2d"), max_size=20)


@given(KEYS, AROUND, AROUND, st.data())
def test_a_key_is_replaced_with_each_character_as_it_is_or_escaped(
    key: str, before: str, after: str, data: st.DataObject
) -> None:
    ways = data.draw(st.lists(st.sampled_from(WAYS), min_size=len(key), max_size=len(key)))
    # A key that has escapes in it means another one: then what it means is what is looked for.
    written = "".join(way(letter) for way, letter in zip(ways, key, strict=True))
    if "%" in key or "\\" in key or "&" in key:
        written = key
    assert Secret(key).hide(f"{before}{written}{after}{written}") == f"{before}***{after}***"


@given(KEYS, AROUND, st.data())
def test_a_key_that_was_cut_is_replaced(key: str, around: str, data: st.DataObject) -> None:
    """Its beginning or its end, from eight characters on."""
    if "%" in key or "\\" in key or "&" in key:
        return
    size = data.draw(st.integers(8, len(key)))
    for part in (key[:size], key[-size:]):
        assert part not in Secret(key).hide(f"{around}{part}...")


@given(KEYS, st.text(max_size=9), st.text(max_size=9), st.sampled_from([base64.b64encode, base64.urlsafe_b64encode]))
def test_a_key_in_base64_is_replaced_whatever_stands_around_it(
    key: str, before: str, after: str, encode: Callable[[bytes], bytes]
) -> None:
    written = encode(f"{before}{key}{after}".encode(errors="replace")).decode()
    begin = len(before.encode(errors="replace")) * 8 // 6 + 1
    hidden = Secret(key).hide(f"Basic {written} said")
    assert "***" in hidden
    assert written[begin : begin + 8] not in hidden


@given(KEYS, st.text(max_size=200))
def test_a_text_without_the_key_stays_as_it_is(key: str, text: str) -> None:
    if key[:8] not in text and key[-8:] not in text:
        hidden = Secret(key).hide(text)
        assert hidden == text or "***" in hidden  # by chance it holds the key escaped
    assert Secret("abc").hide(text) == text
    assert Secret(None).hide(text) == text
    assert Secret(key, shortest=len(key) + 1).hide(text) == text
