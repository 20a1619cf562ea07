"""docs/explanation/mutations.md, from the list."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath

from . import MUTATIONS, SECTIONS
from .mutation import ROOT, Mutation
from .rotation import BY_HAND

PAGE = ROOT / "docs" / "explanation" / "mutations.md"

HEAD = """\
<!-- Made by `python -m tests.mutations --write` from tests/mutations: change that list, not this. -->
# Mutations

What would notice if a rule of the [state machine](state-machine.md), of the engine around it or of the wire were lost?
Each row takes one rule out of a copy of the package, and names a test that fails then. The same tests pass without a
mutation. This tries all {count} of them, one after the other:

```console
$ python -m tests.mutations
```

`--only WORDS` tries those whose rule, module or test has the words; `--write` writes this page, if none survives.
A test that does not end within a minute has noticed the mutation, too.
"""

TAIL = """
## The rotation: `rotate/`

These were taken out by hand, and the first test that failed is named.
"""


def text() -> str:
    """The whole page."""
    tried = "".join(f"\n## {heading}\n" + table(pairs(section)) for heading, section in SECTIONS.items())
    return HEAD.format(count=len(MUTATIONS)) + tried + TAIL + table(BY_HAND)


def pairs(section: tuple[Mutation, ...]) -> list[tuple[str, str]]:
    """The rules of a section, each with its test."""
    return [(mutation.rule, mutation.test) for mutation in section]


def table(rows: Iterable[tuple[str, str]]) -> str:
    """Rules, each with the test that fails without it."""
    lines = ["", "| mutation | test that fails |", "| --- | --- |"]
    for rule, node in rows:
        path, _, test = node.partition("::")
        lines.append(f"| {rule} | `{PurePath(path).stem}`: `{test}` |")
    return "\n".join(lines) + "\n"


def write() -> None:
    """Write the page."""
    PAGE.write_text(text())
