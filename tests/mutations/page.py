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

This page shows which test fails if a rule is removed from the [state machine](state-machine.md), from the engine around
it or from the code that speaks HTTP. Each row removes one rule from a copy of the package and names a test that then
fails. Without the mutation, the same tests pass. This command tries all {count} mutations, one after the other:

```sh
python -m tests.mutations
```

`--only WORDS` tries the mutations whose rule, module or test contains the words. `--write` writes this page if every
mutation made its test fail. A test that takes longer than a minute counts as failed.
"""

TAIL = """
## The rotation: `rotate/`

These rules were removed by hand. Each row names the first test that failed.
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
