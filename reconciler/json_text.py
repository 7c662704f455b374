"""JSON as text for files, people and terminals. Pure."""

import json
import re
from typing import Any

_UNUSUAL = re.compile(r"[^\n -~]")
"""What may be a control character beyond those that JSON itself writes as escapes (C1, bidi marks, lone surrogates)."""


def json_text(content: Any) -> str:
    """Write JSON with letters as they are, and with everything that a terminal could obey as an escape."""
    text = json.dumps(content, indent=1, ensure_ascii=False)
    return _UNUSUAL.sub(lambda found: found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1], text)
