"""docs/explanation/mutations.md, from the list."""

from __future__ import annotations

from pathlib import PurePath

from . import MUTATIONS, SECTIONS
from .mutation import ROOT, Mutation

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


def text() -> str:
    """The whole page."""
    return HEAD.format(count=len(MUTATIONS)) + "".join(table(heading, rows) for heading, rows in SECTIONS.items())


def table(heading: str, rows: tuple[Mutation, ...]) -> str:
    """One section."""
    lines = [f"\n## {heading}\n", "| mutation | test that fails |", "| --- | --- |", *map(row, rows)]
    return "\n".join(lines) + "\n"


def row(mutation: Mutation) -> str:
    """One row."""
    path, _, test = mutation.test.partition("::")
    return f"| {mutation.rule} | `{PurePath(path).stem}`: `{test}` |"


def write() -> None:
    """Write the page."""
    PAGE.write_text(text())
