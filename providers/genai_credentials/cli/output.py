"""The output of the verbs: wrapped to the width of the terminal, without colours in a pipe, and without any key."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

import click

from genai_credentials.cli.consoles import linked
from genai_credentials.cli.terminal import NARROWEST, console_of, is_live, make_readable
from genai_credentials.redaction import needles

if TYPE_CHECKING:
    from genai_credentials.errors import CredentialsError
    from genai_credentials.key import ApiKey

OK, BAD, MISCONFIGURED, UNCLEAR = range(4)
"""The exit codes: success; a bad key or no key; wrong usage or set-up; an unclear answer."""

INTERRUPTED = 130
"""The exit code of a command that Ctrl-C ends. Shells use the same code."""


BASE_URL = "GOOGLE_GEMINI_BASE_URL"
REDACTED = "<redacted>"
# The shapes of keys. They find a key that was typed into the wrong place and was never fetched.
_SHAPES = re.compile(r"AIza[\w-]{16,}|AQ\.[\w.-]{16,}|auth_tokens/[\w.-]{8,}|\bsk-[\w-]{12,}|\bya29\.[\w.-]{8,}")
_SHORTEST = 8
_known: WeakSet[ApiKey] = WeakSet()

Command = TypeVar("Command", bound=Callable[..., Any])


def know(key: ApiKey) -> None:
    """Remove this key from each text that is printed from now on."""
    _known.add(key)


def scrubbed(text: str) -> str:
    """The text without known keys, without texts that look like a key, and without control characters."""
    for key in list(_known):
        if len(secret := key.get_secret_value()) >= _SHORTEST:
            for form in needles(secret):
                text = text.replace(form, REDACTED)
    text = _SHAPES.sub(REDACTED, text)
    return "".join(character if character.isprintable() or character == "\n" else "?" for character in text)


def json_option(command: Command) -> Command:
    """The option --json, which every verb has."""
    help_text = "Print one JSON document on stdout, and nothing else."
    return click.option("--json", "as_json", is_flag=True, help=help_text)(command)


def plain_http_option(command: Command) -> Command:
    """The option --allow-plain-http of the verbs that send a key."""
    help_text = "Allow http:// to another machine. The key is then sent unencrypted."
    return click.option("--allow-plain-http", is_flag=True, help=help_text)(command)


def echo(text: str = "", *, err: bool = False) -> None:
    """Print a line unchanged, in the encoding of the terminal; click would use UTF-8 where the encoding is ASCII."""
    click.echo(text, file=sys.stderr if err else sys.stdout)


def emit(document: dict[str, Any], *, line: bool = False) -> None:
    """Print a JSON document. If `line` is true, the document is on one line."""
    echo(json.dumps(_clean(document), indent=None if line else 2))


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return scrubbed(value)
    if isinstance(value, dict):
        return {name: _clean(part) for name, part in value.items()}
    return [_clean(part) for part in value] if isinstance(value, (list, tuple)) else value


class Misconfigured(click.ClickException):
    """The error for a chain, an option or an installation that cannot work. The exit code is 2."""

    exit_code = MISCONFIGURED

    def show(self, file: IO[Any] | None = None) -> None:
        """See `click.ClickException`. A terminal gets lines of its width, and a log gets whole lines."""
        printer = Printer(err=True)
        if not printer.console.is_terminal:
            super().show(file)
            return
        for line in f"Error: {self.message}".split("\n"):
            # An indented line holds a URI, or the mark below one of its characters.
            if line.startswith(" "):
                echo(line, err=True)
            else:
                printer.say(line)

    @classmethod
    def of(cls, error: CredentialsError, base_url: str | None = "given") -> Misconfigured:
        """Make the error from an error of the library.

        Args:
            error: The error of the library.
            base_url: The value of --base-url. None means that the base URL is from the environment.
        """
        text = f"{error.message}\n{error.remedy}".rstrip()
        return cls(in_options(text if base_url else text.replace("base_url=", f"{BASE_URL}=")))


_RENAMED = {"min_age": "if_older_than"}
_ARGUMENTS = "allow_plain_http|base_url|min_age|prove_for|prove_timeout|retire_after|service_account"
_ARGUMENT = re.compile(rf"(?<![\w.=/(-])({_ARGUMENTS}|project(?==))(?![\w(])(=(?:True\b)?)?")
"""Finds the arguments of the library that are options of the command too."""


def in_options(text: str) -> str:
    """A text of the library, with the options of the command in place of the arguments of the library."""
    return _ARGUMENT.sub(_option, text)


def _option(found: re.Match[str]) -> str:
    name = f"--{_RENAMED.get(found[1], found[1]).replace('_', '-')}"
    return f"{name} " if found[2] == "=" else name


class Printer:
    """Prints paragraphs for people, on stdout or on stderr."""

    def __init__(self, *, err: bool = False) -> None:
        # A terminal may be unable to show an umlaut of a name. That must not end the command.
        make_readable()
        self.console = console_of(sys.stderr if err else sys.stdout)
        self.live = is_live(self.console)
        self._width = max(self.console.width, NARROWEST) - 1

    def say(self, text: str = "", *, lead: str = "", style: str = "", lead_style: str = "") -> None:
        """Print a paragraph.

        Args:
            text: The text. It is wrapped at white space only, because a name or a command must stay whole for copying.
            lead: The text before the first line. The other lines are indented by the length of this text.
            style: The style of the text, as rich names it.
            lead_style: The style of the lead, as rich names it.
        """
        from rich.text import Text

        rest = " " * len(lead)
        lines = textwrap.wrap(
            scrubbed(text),
            self._width,
            initial_indent=rest,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for number, line in enumerate(lines or [rest]):
            start = lead if number == 0 else rest
            shown = Text.assemble((start, lead_style), (line[len(rest) :], style))
            shown.rstrip()
            self.console.print(linked(shown), soft_wrap=True, highlight=False)

    def command(self, line: str, comment: str) -> None:
        """Print a command on one line, and a comment beside the command or, without room, below the command."""
        beside = f"{line}  # {comment}"
        if len(beside) + 2 <= self._width:
            self.say(beside, lead="  ")
        else:
            self.say(line, lead="  ")
            self.say(f"# {comment}", lead="    ")


@contextlib.contextmanager
def quiet() -> Iterator[list[str]]:
    """Keep all log records and warnings off the screen. Yields the warnings of this library, for the caller to show."""
    kept = _Keeper(logging.WARNING)
    root, library = logging.getLogger(), logging.getLogger("genai_credentials")
    silence = logging.NullHandler()
    root.addHandler(silence)
    library.addHandler(kept)
    try:
        with warnings.catch_warnings():
            for kind in (UserWarning, FutureWarning, DeprecationWarning):
                warnings.simplefilter("ignore", kind)
            yield kept.messages
    finally:
        library.removeHandler(kept)
        root.removeHandler(silence)


class _Keeper(logging.Handler):
    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if (message := record.getMessage()) not in self.messages:
            self.messages.append(message)


def for_a_while(seconds: float) -> str:
    """A duration for people, such as "12 s", "3 min", "5 h" or "2 d"."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
