"""Words of the glossary: each is linked where a page first uses it. This links those that are not:

python -m tests.glossary
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
GLOSSARY = DOCS / "explanation" / "glossary.md"
WORDS = {
    "link": r"links?",
    "chain": r"chains?",
    "absent": "absent",
    "broken": "broken",
    "refusal": r"refusals?",
    "replay": r"replay(?:s|ed)?",
    "quarantine": "quarantine",
    "overlap": "overlap",
    "fall-back": r"falls? back",
    "parole": "parole",
    "fingerprint": r"fingerprints?",
    "superseded": "superseded",
}
"""Each by its place in the glossary, as a pattern."""
MADE = ("glossary", "changelog", "frameworks", "reference-cli")
NO_PROSE = re.compile(
    r"\A---\n(?s:.*?)^---$|^ *```(?s:.*?)^ *```$|^#.*$|<!--.*?-->|^<.*>$"
    r"|`[^`\n]*`|!\[[^\]]*\]\([^)]*\)|^\[[^\]]*\]: .*$",
    re.MULTILINE,
)
A_LINK = re.compile(r"\[([^\]]*)\](?:\(([^)]*)\))?")


class Use(NamedTuple):
    """Where a page first uses a word, and whether it is linked there."""

    start: int
    end: int
    linked: bool


def pages() -> list[Path]:
    """The pages that people write, but for lists and what shows a framework's own words."""
    found = [ROOT / "README.md", *sorted(page for page in DOCS.rglob("*.md") if "examples" not in page.parts)]
    return [page for page in found if page.stem not in MADE and "reference" not in page.parts and not is_made(page)]


def is_made(page: Path) -> bool:
    """Whether a command writes the page."""
    return "<!-- " in page.read_text()[:200]


def first_use(text: str, place: str) -> Use | None:
    """The first use of a word outside of code, headings and other links; None without one."""
    plain = NO_PROSE.sub(lambda match: " " * len(match[0]), text)
    linked = [match.span(1) for match in A_LINK.finditer(plain) if (match[2] or "").endswith(f"glossary.md#{place}")]
    bare = A_LINK.sub(lambda match: _blank(match, linked), plain)
    found = re.search(rf"(?<![\w-])(?:{WORDS[place]})(?![\w-])", bare, re.IGNORECASE)
    return found and Use(*found.span(), any(start <= found.start() < end for start, end in linked))


def _blank(match: re.Match[str], kept: list[tuple[int, int]]) -> str:
    """Spaces in the place of a link; the words of one that is kept stay."""
    if match.span(1) not in kept:
        return " " * len(match[0])
    return f" {match[1]}".ljust(len(match[0]))


def link(page: Path) -> None:
    """Link each word where the page first uses it."""
    text = page.read_text()
    for place in WORDS:
        use = first_use(text, place)
        if use and not use.linked:
            target = f"{os.path.relpath(GLOSSARY, page.parent)}#{place}"
            text = f"{text[: use.start]}[{text[use.start : use.end]}]({target}){text[use.end :]}"
    page.write_text(text)


if __name__ == "__main__":
    for each in pages():
        link(each)
