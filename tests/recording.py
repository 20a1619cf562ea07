"""The pictures of the front page: a recorded run of `genai-credentials demo`, and the card that is shown for a link.

python -m tests.recording
"""

from __future__ import annotations

import base64
import html
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.style import Style
from rich.text import Text

from .browser import browsing, chromium

ASSETS = Path(__file__).parents[1] / "docs" / "assets"
COLUMNS = 80
LETTER, LINE, MARGIN = 8.4, 19, 16
STEP, REST = 0.9, 6.0
"""Seconds that a frame is shown, and the last one."""

# How rich draws a picture anew: it erases line by line, upwards.
ERASED = re.compile(r"(?:\x1b\[2K(?:\x1b\[1A)?)+")
CURSOR = re.compile(r"\x1b\[\?25[lh]|\r")
ROTATION = re.compile(r"^\d+ +\w+: .* ms", re.MULTILINE)
COLOURS = {1: "#ff8a80", 2: "#8bdc8f", 3: "#ffd479"}
"""Red, green and yellow, by their ANSI numbers."""

HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" \
height="{height:.0f}" role="img" aria-label="genai-credentials demo">
  <style>
    text {{ font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #d6d9e0; \
white-space: pre }}
    .frame {{ opacity: 0; animation: show {total:.1f}s step-end infinite }}
{delays}
    @keyframes show {{ 0% {{ opacity: 1 }} {share:.3f}% {{ opacity: 0 }} }}
    @keyframes rest {{ 0% {{ opacity: 1 }} {last:.3f}% {{ opacity: 0 }} }}
    @media (prefers-reduced-motion) {{ .frame {{ animation: none }} .frame:last-child {{ opacity: 1 }} }}
  </style>
  <rect width="100%" height="100%" rx="8" fill="#1b1e27"/>
"""


def record() -> str:
    """Everything that a run of the demo writes to its terminal."""
    master, slave = pty.openpty()
    environ = {
        **os.environ,
        "COLUMNS": str(COLUMNS),
        "LINES": "40",
        "TERM": "xterm-256color",
        "PYTHONIOENCODING": "utf-8",
    }
    command = [sys.executable, "-c", "from genai_credentials.cli import main; main()", "demo"]
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environ, start_new_session=True)
    os.close(slave)
    written = bytearray()
    while True:
        try:
            written += os.read(master, 65536)
        except OSError:  # On Linux the end of a terminal is an error.
            break
    if process.wait() != 0:
        raise SystemExit(written.decode())
    return written.decode()


def frames(written: str) -> list[list[Text]]:
    """The pictures in which one more rotation is shown, and the last one; each as its lines."""
    chosen: dict[int, str] = {}
    for picture in filter(str.strip, ERASED.split(CURSOR.sub("", written))):
        plain = Text.from_ansi(picture).plain
        count = len(ROTATION.findall(plain))
        if count and count not in chosen:
            chosen[count] = picture
        last = picture
    shown = [*list(chosen.values())[:-1], last]
    prompt = Text("$ genai-credentials demo", style="bold")
    return [[prompt, Text(), *Text.from_ansi(picture).split("\n", allow_blank=True)] for picture in shown]


def drawn(pictures: list[list[Text]]) -> str:
    """The frames as one picture that moves."""
    total = STEP * (len(pictures) - 1) + REST
    size = {"width": COLUMNS * LETTER + 2 * MARGIN, "height": max(map(len, pictures)) * LINE + 2 * MARGIN}
    delays = [
        f"    .frame:nth-of-type({number}) {{ animation-delay: {STEP * (number - 1):.1f}s }}"
        for number in range(1, len(pictures) + 1)
    ]
    delays.append(f"    .frame:nth-of-type({len(pictures)}) {{ animation-name: rest }}")
    shares = {"share": 100 * STEP / total, "last": 100 * REST / total}
    parts = [HEAD.format(total=total, delays="\n".join(delays), **shares, **size)]
    parts += [f'  <g class="frame">\n{"".join(lines(picture))}  </g>\n' for picture in pictures]
    return "".join([*parts, "</svg>\n"])


def lines(picture: list[Text]) -> Iterable[str]:
    """Each line of a frame, in pieces of one style."""
    console = Console(width=COLUMNS)
    for row, line in enumerate(picture):
        column = 0
        for segment in line.render(console):
            if segment.text.strip():
                yield piece(segment.text, segment.style or Style(), column, row)
            column += len(segment.text)


def piece(text: str, style: Style, column: int, row: int) -> str:
    """A piece of a line, as wide as it is on a terminal in whatever font."""
    colour = style.color.number if style.color else None
    looks = [f'style="fill: {COLOURS[colour]}"'] if colour in COLOURS else []
    looks += ['font-weight="bold"'] if style.bold else []
    looks += ['opacity="0.65"'] if style.dim else []
    inner = text.strip()
    x = MARGIN + (column + len(text) - len(text.lstrip())) * LETTER
    place = f'x="{x:.1f}" y="{MARGIN + (row + 1) * LINE - 5}" textLength="{len(inner) * LETTER:.1f}"'
    return f"    <text {' '.join([place, *looks])}>{html.escape(inner)}</text>\n"


CARD = """\
<body style="margin: 0; width: 1200px; height: 630px; display: flex; align-items: center; background: #fff">
<div style="margin: 0 30px 0 60px; width: 500px; font: 34px system-ui, sans-serif; color: #333">
<h1 style="font-size: 52px; color: #3f51b5; margin: 0 0 30px">genai-credentials</h1>
Rotate Gemini API keys without losing a request.</div>
<img src="data:image/svg+xml;base64,{picture}" width="570">
"""


def card(executable: str) -> bytes:
    """The card, as PNG."""
    picture = base64.b64encode((ASSETS / "rotation.svg").read_bytes()).decode()
    page = base64.b64encode(CARD.format(picture=picture).encode()).decode()
    with TemporaryDirectory() as profile, browsing(executable, Path(profile)) as tab:
        tab.open(f"data:text/html;base64,{page}", width=1200, height=630)
        return tab.picture()


def main() -> None:
    """Make both; the card only where there is a browser."""
    (ASSETS / "demo.svg").write_text(drawn(frames(record())))
    if executable := chromium():
        (ASSETS / "card.png").write_bytes(card(executable))


if __name__ == "__main__":
    main()
