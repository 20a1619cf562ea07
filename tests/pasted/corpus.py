"""The corpus: one file a text, with its right cause; and what `explain` makes of each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from genai_credentials.cli.meanings import of_pasted

from .answers import ANSWERS, Answer
from .shapes import SHAPES

FILES = Path(__file__).parents[1] / "data/errors"
RIGHT, NOT_TOLD, WRONG = "right", "could not tell", "wrong"


class Text(NamedTuple):
    """A text, what it is called, and the cause that explains it."""

    name: str
    cause: str
    text: str


def filed() -> Iterator[Text]:
    """The texts of `tests/data/errors`: a line with the cause, an empty line, the text."""
    for path in sorted(FILES.glob("*.txt")):
        head, _, text = path.read_text(encoding="utf-8").partition("\n\n")
        yield Text(path.stem, head.removeprefix("cause: "), text)


def crossed() -> Iterator[Text]:
    """Each answer of the API in each shape."""
    for answer in ANSWERS:
        for name, shape in SHAPES.items():
            text = shape(answer)
            yield Text(f"{name}: {answer.message[:40]}", _told(answer, text), text)


def _told(answer: Answer, text: str) -> str:
    """The cause that a text tells: a shape that drops the reason leaves what the message says."""
    dropped = answer.reason and answer.reason not in text
    return "unauthenticated" if dropped and answer.cause == "ACCESS_TOKEN_TYPE_UNSUPPORTED" else answer.cause


def judged(one: Text) -> str:
    """What `explain` makes of a text: the right cause, none, or a wrong one."""
    meaning, _ = of_pasted(one.text)
    if meaning.cause == one.cause:
        return RIGHT
    return NOT_TOLD if meaning.verdict == "unknown" else WRONG
