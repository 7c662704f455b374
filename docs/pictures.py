"""Draws the pictures of the documentation: `make pictures`. The program says what they show, of the demo's groups.

The terminal is an SVG, made from what `sgctl plan` writes to a terminal; the pages are shown in a headless Chromium.
"""

import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterator
from html import escape
from pathlib import Path

from playwright.sync_api import sync_playwright

from reconciler.emulator.server import EmulatorServer

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "reconciler" / "demo"
PICTURES = ROOT / "docs" / "pictures"
COLUMNS, FONT, LINE = 80, 14, 19
WIDTH = FONT * 0.602
"""Of a character of the fonts that stand in the SVG; `textLength` holds others to it."""
COLORS = {31: "#ff7b72", 32: "#7ee787", 33: "#e3b341", 34: "#79c0ff", 35: "#d2a8ff", 36: "#76e3ea"}
NO_BREAK = "\N{NO-BREAK SPACE}"  # SVG joins and drops the others
TEXT, DIM, BACKGROUND = "#e6edf3", "#8b949e", "#0d1117"


def in_terminal(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    """Run a command in a pseudo-terminal, and return all that it writes."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execvpe(command[0], command, environment)  # noqa: S606 - ourselves
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 60, COLUMNS, 0, 0))
    written = b""
    try:
        while data := os.read(terminal, 65_536):
            written += data
    except OSError:  # what Linux says when the other end is closed
        pass
    os.waitpid(child, 0)
    text = written.decode().replace("\r\n", "\n")
    return re.sub(r"[^\n]*\r|\x1b\[[0-9;?]*[A-HJKhl]", "", text)  # progress, which overwrites itself


def spans(line: str) -> Iterator[tuple[str, str]]:
    """Split a line at its escape sequences: the style of each part as CSS, and its text."""
    codes: set[int] = set()
    for number, part in enumerate(re.split(r"\x1b\[([0-9;]*)m", line)):
        if number % 2:
            new = {int(code or 0) for code in part.split(";")}
            codes = new - {0} if 0 in new else codes | new
        elif part:
            color = next((COLORS[code] for code in codes if code in COLORS), DIM if 2 in codes else TEXT)
            style = f"fill:{color}" + (";font-weight:bold" if 1 in codes else "")
            yield style, part


def terminal_svg(text: str, title: str) -> str:
    """Draw a terminal with a text in it, colours and all."""
    lines = text.rstrip("\n").split("\n")
    width, height = round(COLUMNS * WIDTH) + 48, len(lines) * LINE + 60
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>',
        *(
            f'<circle cx="{20 + 20 * i}" cy="20" r="6" fill="{color}"/>'
            for i, color in enumerate(("#ff5f57", "#febc2e", "#28c840"))
        ),
        f'<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="{FONT}">',
    ]
    for number, line in enumerate(lines):
        x = 16.0
        for style, piece in spans(line):
            length = len(piece) * WIDTH
            if piece.strip():
                parts.append(
                    f'<text x="{x:.1f}" y="{56 + number * LINE}" style="{style}" textLength="{length:.1f}">'
                    f"{escape(piece).replace(' ', NO_BREAK)}</text>"
                )
            x += length
    return "\n".join([*parts, "</g>", "</svg>"]) + "\n"


def draw() -> None:
    """Draw all pictures."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, EmulatorServer(seed=DEMO / "live.yaml") as emulator:
        folder = Path(name)
        shutil.copy(DEMO / "groups.yaml", folder)
        ours = {"GCORE_BASE_URL": emulator.url, "GCORE_API_KEY": emulator.api_key, "TERM": "xterm-256color"}
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": name, **ours}
        sgctl = [sys.executable, "-m", "reconciler"]
        shown = in_terminal([*sgctl, "plan", "--out", "plan.json"], folder, environment)
        prompt = "\x1b[32m$\x1b[0m \x1b[1msgctl plan --out plan.json\x1b[0m\n"
        (PICTURES / "plan.svg").write_text(terminal_svg(prompt + shown, "sgctl plan"), encoding="utf-8")
        for page, arguments in {"plan": ["show", "plan.json"], "graph": ["graph", "--change"]}.items():
            command = [*sgctl, *arguments, "--format", "html"]
            html = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=60, check=True)  # noqa: S603 - ourselves
            (folder / f"{page}.html").write_bytes(html.stdout)
            photograph(folder / f"{page}.html", PICTURES / f"{page}.png")


def photograph(page: Path, picture: Path) -> None:
    """Show a page in the Chromium of this machine, and take a picture of its upper part."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        raise SystemExit("there is no Chromium to show the pages in: install Debian's package `chromium`")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=path, args=arguments)
        shown = browser.new_page(viewport={"width": 1000, "height": 760}, color_scheme="light")
        shown.goto(page.as_uri())
        shown.screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    draw()
