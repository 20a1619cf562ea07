"""One mutation: which text of the package becomes another, and the test that fails then."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "providers" / "genai_credentials"


class Mutation(NamedTuple):
    """One rule, taken out of a copy of the package.

    - `rule`: how the package behaves without it, in words.
    - `file`: the module, below the package.
    - `find`: a text that stands there once.
    - `put`: what stands there in its place.
    - `test`: the test that fails then, as pytest names it, below `tests/`.
    """

    rule: str
    file: str
    find: str
    put: str
    test: str

    def mutated(self) -> str:
        """The text of the mutated module.

        Raises:
            ValueError: The text to find is not there, or more than once: the list has to be renewed.
        """
        text = (PACKAGE / self.file).read_text()
        if text.count(self.find) != 1:
            raise ValueError(f"{self.file}: {text.count(self.find)} places, where there must be one: {self.find!r}")
        return text.replace(self.find, self.put)

    @property
    def node(self) -> str:
        """The test's id for pytest, from the root of the repository."""
        return f"tests/{self.test}"


def of(file: str, *rows: tuple[str, str, str, str]) -> tuple[Mutation, ...]:
    """The mutations of one module; each row is a rule, a text to find, what is put in its place, and a test."""
    return tuple(Mutation(rule, file, find, put, test) for rule, find, put, test in rows)
