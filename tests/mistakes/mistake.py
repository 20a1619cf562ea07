"""A mistake, made for real."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from click.testing import CliRunner

from genai_credentials.cli.app import cli

KEY = "AIzaSyA-NeverToBeSeen-0123456789abcdefgh"
SHOWN = "AIza…"
"""How the key is written on the page."""

PREFIXES = ("GOOGLE_", "GEMINI_", "GENAI_", "AWS_", "GCE_", "CLOUDSDK_", "SECRET_MANAGER_", "SSL_", "REQUESTS_")


@dataclass(frozen=True)
class Mistake:
    """What is typed, and words that have to be in what is said.

    Args:
        typed: The line, in which KEY stands for a key.
        names: Words of the answer: what is wrong, where, and what to do.
    """

    typed: str
    names: tuple[str, ...]

    def said(self) -> str:
        """The answer, on one line."""
        return " ".join(self.lines())

    def lines(self) -> list[str]:
        """The lines of the answer, without the mark below a character."""
        with alone():
            text = self.make()
        said = (" ".join(line.split()) for line in text.splitlines())
        return [line for line in said if line not in ("", "^")]

    def make(self) -> str:
        """Make the mistake; what is said."""
        raise NotImplementedError

    @property
    def text(self) -> str:
        """The line as it is made."""
        return self.typed.replace("KEY", KEY) if "_KEY" not in self.typed else re.sub(r"(?<!_)KEY", KEY, self.typed)


@dataclass(frozen=True)
class OnTheCommandLine(Mistake):
    """A line of a shell: variables, the command, its arguments; `given` is piped in."""

    given: str = ""
    environ: dict[str, str] = field(default_factory=dict)

    def make(self) -> str:
        """See `Mistake`."""
        words = shlex.split(self.text)
        at = words.index("genai-credentials")
        assigned = dict(word.split("=", 1) for word in words[:at] if "=" in word)
        with patch.dict(os.environ, {**self.environ, **assigned}):
            done = CliRunner().invoke(cli, words[at + 1 :], input=self.given, prog_name="genai-credentials")
        return f"{done.stdout}\n{done.stderr}"


@dataclass(frozen=True)
class InPython(Mistake):
    """An expression or statements; what it raises is said."""

    before: str = ""

    def make(self) -> str:
        """See `Mistake`."""
        names: dict[str, object] = {}
        for code in ("from genai_credentials import *", self.before):
            exec(compile(code, "m.py", "exec", dont_inherit=True), names)
        try:
            exec(compile(self.text, "m.py", "exec", dont_inherit=True), names)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return ""


@contextmanager
def alone() -> Iterator[None]:
    """No credentials, no proxy, and an empty directory."""
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(PREFIXES) and not name.upper().endswith("_PROXY")
    }
    here = Path.cwd()
    with TemporaryDirectory() as directory, patch.dict(os.environ, environ, clear=True):
        os.chdir(directory)
        try:
            yield
        finally:
            os.chdir(here)
