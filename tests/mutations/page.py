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

Does a test fail if a rule is removed from the code? For each of the {count} rules on this page, the answer is yes.

A mutation is a copy of the package without one rule of the [state machine](state-machine.md), of the engine around it
or of the code that speaks HTTP. Each row says how that copy behaves, and names a test that fails with it. The same test
passes with the package as it is. This command tries all mutations, one after the other:

```sh
python -m tests.mutations
```

`--only WORDS` tries the mutations whose row or module contains the words. `--write` writes this page, but only if every
mutation made its test fail. A test that takes longer than a minute counts as failed.
"""

TAIL = """
## The rotation: `rotate/`

These {count} rules were removed by hand, not by the command. Each row names the first test that failed.
"""


def text() -> str:
    """The whole page."""
    tried = "".join(f"\n## {heading}\n" + table(pairs(section)) for heading, section in SECTIONS.items())
    return HEAD.format(count=len(MUTATIONS)) + tried + TAIL.format(count=len(BY_HAND)) + table(BY_HAND)


def pairs(section: tuple[Mutation, ...]) -> list[tuple[str, str]]:
    """The rules of a section, each with its test."""
    return [(mutation.rule, mutation.test) for mutation in section]


def table(rows: Iterable[tuple[str, str]]) -> str:
    """Rules, each with the test that fails without it."""
    lines = ["", "| without the rule | test that fails |", "| --- | --- |"]
    for rule, node in rows:
        path, _, test = node.partition("::")
        lines.append(f"| {rule} | `{PurePath(path).stem}`: `{test}` |")
    return "\n".join(lines) + "\n"


def write() -> None:
    """Write the page."""
    PAGE.write_text(text())
