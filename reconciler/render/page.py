"""The frame of every HTML page: no request leaves it, and its own policy forbids any, and any script but its own.

A page reads and prints without JavaScript, which adds the filter, unfolding and zoom; dark or light as the reader's
system is. Everything foreign goes through `text`.
"""

import re
from binascii import b2a_base64
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from html import escape
from importlib.resources import files

from reconciler.model.desired import Target
from reconciler.model.text import printable
from reconciler.render.graph.style import CSS, MARKERS
from reconciler.render.view import Made

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{}'"


def document(
    title: str, heading: str, intro: Iterable[str], main: Iterable[str], *, with_pictures: bool, kind: str = ""
) -> str:
    """Write a page; `intro` and `main` are HTML, the others are text; `kind` is for its colours."""
    return "\n".join(_document(title, heading, intro, main, with_pictures=with_pictures, kind=kind)) + "\n"


def _document(
    title: str, heading: str, intro: Iterable[str], main: Iterable[str], *, with_pictures: bool, kind: str = ""
) -> Iterator[str]:
    folder = files("reconciler.render")
    style, script = ((folder / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    own_script = b2a_base64(sha256(script.encode()).digest(), newline=False).decode()
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY.format(own_script)}">'
    yield f"<title>{text(title)}</title>\n<style>\n{style}{CSS if with_pictures else ''}</style>\n</head>"
    yield f'<body class="{kind}">'
    if with_pictures:
        yield f'<svg class="markers" width="0" height="0" aria-hidden="true">{MARKERS}</svg>'
    yield f"<header><h1>{text(heading)}</h1>"
    yield from intro
    yield "</header>\n<main>"
    yield from main
    yield f"</main>\n<script>{script}</script>\n</body>\n</html>"


def text(words: str) -> str:
    """Escape a text for an element or an attribute."""
    return escape(printable(words))


def anchor(target: Target, name: str) -> str:
    """Name a group's place in a page: the same name in every page, and what a link may hold as it is."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "-", name)[:80]
    if plain != name:
        plain += "-" + sha256(name.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{plain}-{target.project_id}-{target.region_id}"


def unique(names: Iterable[str]) -> list[str]:
    """Number names that are there before: two live groups may share one."""
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        found.append(f"{name}.{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return found


def made(content: Made | None) -> Iterator[str]:
    """Say when and by what the content of a page was made."""
    if content is None:
        return
    at, base_url, version, commit = map(text, content)
    words = [f'<time datetime="{at}">{at.replace("T", " ").replace("Z", " UTC")}</time>']
    words += [f"for {base_url}"] if base_url else []
    words += [f"by sgctl {version}"] if version else []
    words += [f'from commit <code title="{commit}">{commit[:12]}</code>'] if commit else []
    yield f'<p class="made">Made {", ".join(words)}</p>'


def filter_form(placeholder: str, kinds: Mapping[str, int]) -> Iterator[str]:
    """Offer search, kinds with their numbers, and unfolding; shown by the script, which does it."""
    yield '<form class="filter" role="search" hidden>'
    yield f'<label>Filter <input type="search" name="text" placeholder="{text(placeholder)}"></label>'
    for kind, number in ((text(kind), number) for kind, number in kinds.items()):
        yield f'<label><input type="checkbox" name="kind" value="{kind}" checked> {kind} ({number})</label>'
    yield '<span class="buttons"><button type="button" name="expand">Expand all</button>'
    yield '<button type="button" name="collapse">Collapse all</button></span><output></output></form>'


def figure(svg: str, label: str) -> Iterator[str]:
    """Show a picture that can be zoomed and moved."""
    yield '<figure class="picture"><figcaption><output></output>'
    yield '<span class="tools" hidden><button type="button" name="all" hidden>Show all</button>'
    yield '<button type="button" name="out" aria-label="Zoom out">-</button>'
    yield '<button type="button" name="in" aria-label="Zoom in">+</button>'
    yield '<button type="button" name="fit">Fit</button><button type="button" name="full">100 %</button>'
    yield f'</span></figcaption><div class="room" tabindex="0" role="region" aria-label="{text(label)}">'
    yield f"{svg}</div></figure>"
