"""What is kept of a test until it has ended, the search of it, and the figures."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote

from tests.leaks.excused import reason_for

SHORTEST = 5
"""Fewer characters than these occur in any text by chance."""


class Part(NamedTuple):
    """A piece of text: who said it ("botocore.parsers"), in what ("attribute response"), and the text.

    `alone`: another library's record, when nothing of ours had been built that could have redaction installed.
    """

    source: str
    place: str
    text: str
    alone: bool = False


def forms(key: str) -> dict[str, str]:
    """How a key may look, by name; written apart from `redaction.needles`, which is under test."""
    raw, escaped = key.encode(), json.dumps(key)[1:-1]
    found = {
        "plain": key,
        "JSON": escaped,
        "JSON for HTML": "".join(f"\\u{ord(letter):04x}" if letter in "&<>'" else letter for letter in escaped),
        "JSON with escaped slashes": escaped.replace("/", "\\/"),
        "URL": quote(key, safe=""),
        "URL path": quote(key),
    }
    for before in range(3):
        # The sextets that lie wholly within the key, with `before` bytes ahead of it.
        first, end = -(-8 * before // 6), 8 * (before + len(raw)) // 6
        encoded = base64.b64encode(b"\0" * before + raw + b"\0\0").decode()[first:end]
        if len(encoded) > SHORTEST:
            found[f"base64 at {before}"] = encoded
            found[f"base64url at {before}"] = encoded.translate({ord("+"): "-", ord("/"): "_"})
    return found


def distinct(found: dict[str, str]) -> dict[str, str]:
    """Each text once, under its first name."""
    return {name: text for text, name in reversed({text: name for name, text in reversed(found.items())}.items())}


FORMS = len(forms("AIza/Example"))


@dataclass
class Tally:
    """The figures, which workers send to the controller as text."""

    records: int = 0
    tracebacks: int = 0
    characters: int = 0
    processes: int = 0
    lost: int = 0
    loggers: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    hits: Counter[str] = field(default_factory=Counter)
    excused: Counter[str] = field(default_factory=Counter)
    elsewhere: Counter[str] = field(default_factory=Counter)
    alone: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Add another process's figures."""
        for name, value in vars(other).items():
            mine = getattr(self, name)
            setattr(self, name, mine | value if isinstance(value, set) else mine + value)

    def as_text(self) -> str:
        """What `from_text` reads back."""
        return json.dumps(vars(self), default=sorted)

    @classmethod
    def from_text(cls, text: str) -> Tally:
        """What `as_text` wrote."""
        made = cls()
        for name, value in json.loads(text).items():
            setattr(made, name, type(getattr(made, name))(value))
        return made

    def lines(self) -> Iterator[str]:
        """The figures in words, the line to look at last."""
        kinds = {
            "in others' frames": self.elsewhere,
            "before any provider": self.alone,
            "excused": self.excused,
            "HIT": self.hits,
        }
        for name, counted in kinds.items():
            for what, times in sorted(counted.items()):
                yield f"{name}: {what} ({times})"
        if self.lost:
            yield f"{self.lost} workers were lost, and what they found"
        libraries = {name.partition(".")[0] for name in self.loggers}
        yield (
            f"leaks: {self.records} records ({self.tracebacks} with a traceback) of {len(self.loggers)} loggers "
            f"({len(libraries)} libraries) and "
            f"{self.processes} child processes, {self.characters / 1e6:.1f} MB in all, searched for "
            f"{len(self.keys)} keys in {FORMS} forms: {self.hits.total()} hits"
        )


class Search:
    """Keeps what was said until the test has ended, and looks for keys in it.

    Not as it is said: a store's answer is logged before anyone knows that there is a key in it.
    """

    def __init__(self) -> None:
        self.tally = Tally()
        self.provider_built = False
        self._parts: dict[Part, None] = {}
        self._needles: dict[str, dict[str, str]] = {}

    def key(self, text: Any) -> None:
        """Search for this key from now on."""
        if isinstance(text, str) and text not in self._needles and not _ordinary(text):
            self._needles[text] = distinct(forms(text))
            self.tally.keys.add(fingerprint(text))

    def record(self, logger: str, parts: dict[str, str], alone: bool | None = None) -> None:
        """Keep a record's parts, by place; `alone` None means as things are here and now."""
        self.tally.records += 1
        self.tally.tracebacks += bool(parts.get("traceback"))
        self.tally.loggers.add(logger)
        if alone is None:
            alone = self.is_alone(logger)
        for place, text in parts.items():
            self._keep(Part(logger, place, text, alone))

    def is_alone(self, logger: str) -> bool:
        """Whether this logger is another library's, and nothing of ours is there yet that could redact."""
        return not (self.provider_built or logger.startswith("genai_credentials"))

    def output(self, source: str, text: Any) -> None:
        """Keep something that was printed; bytes too."""
        self._keep(Part(source, "text", text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)))

    def _keep(self, part: Part) -> None:
        self.tally.characters += len(part.text)
        self._parts.setdefault(part)

    def run(self, test: str) -> None:
        """Search what was kept, and forget it."""
        parts, self._parts = self._parts, {}
        everything = "\n".join(part.text for part in parts)
        for key, needles in list(self._needles.items()):
            for form, needle in needles.items():
                if needle in everything:
                    self._note(test, [part for part in parts if needle in part.text], f"{form} of {fingerprint(key)}")

    def _note(self, test: str, found: list[Part], what: str) -> None:
        name = test.partition("[")[0]
        # The Google client brings a handler of its own, which prints the record on stderr.
        printed = ("stderr",) if any(part.alone for part in found) else ()
        for part in found:
            where = f"{part.source}, {part.place}"
            if part.place.startswith("locals of others"):
                self.tally.elsewhere[where] += 1
            elif part.alone or part.source in printed:
                self.tally.alone[where] += 1
            elif reason := reason_for(test, part.source):
                self.tally.excused[f"{name}: {part.source} ({reason})"] += 1
            else:
                self.tally.hits[f"{name}: {where}: {what}"] += 1


def _ordinary(text: str) -> bool:
    """Whether any text may hold it by chance: if it is short, or words; "global" was a key once."""
    return len(text) < SHORTEST or text.split() != [text] or (text.isalpha() and (text.islower() or text.isupper()))


def fingerprint(key: str) -> str:
    """What a key is called in a report."""
    return hashlib.sha256(key.encode()).hexdigest()[:8]
