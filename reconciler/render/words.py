"""Small words that messages are made of; apart from the view, so that a message alone loads no plan."""


def count(number: int, noun: str) -> str:
    """Write a number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def printable(text: str, *, keep_lines: bool = False) -> str:
    """Make foreign text safe for a terminal: control characters are written as escapes."""
    return "".join(
        character if character.isprintable() or (keep_lines and character == "\n") else _escape(character)
        for character in text
    )


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
