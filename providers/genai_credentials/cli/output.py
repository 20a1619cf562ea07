"""How the verbs speak: wrapped to the terminal or to 80 columns, without colour when piped, and never with a key."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

import click

from genai_credentials.cli.consoles import linked
from genai_credentials.cli.terminal import console_of, is_live, make_readable
from genai_credentials.redaction import needles

if TYPE_CHECKING:
    from genai_credentials.errors import CredentialsError
    from genai_credentials.key import ApiKey

OK, BAD, MISCONFIGURED, UNCLEAR = range(4)
"""The exit codes: all is well; the key is bad or there is none; usage or setup; could not tell."""

INTERRUPTED = 130
"""The exit code of whatever Ctrl-C ends, as shells have it."""


BASE_URL = "GOOGLE_GEMINI_BASE_URL"
REDACTED = "<redacted>"
# What keys look like, for those that were typed into the wrong place and were never fetched.
_SHAPES = re.compile(r"AIza[\w-]{16,}|AQ\.[\w.-]{16,}|auth_tokens/[\w.-]{8,}|\bsk-[\w-]{12,}|\bya29\.[\w.-]{8,}")
_SHORTEST = 8
_known: WeakSet[ApiKey] = WeakSet()

Command = TypeVar("Command", bound=Callable[..., Any])


def know(key: ApiKey) -> None:
    """Keep this key out of everything that is printed from now on."""
    _known.add(key)


def scrubbed(text: str) -> str:
    """The text without any known key, without what looks like one, and without control characters."""
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


def base_url_option(command: Command) -> Command:
    """The option --base-url of the verbs that ask the API about a key."""
    help_text = "Ask there: a gateway. Else GOOGLE_GEMINI_BASE_URL, else Google."
    return click.option("--base-url", metavar="URL", help=help_text)(command)


def plain_http_option(command: Command) -> Command:
    """The option --allow-plain-http of the verbs that send a key."""
    help_text = "Let the key travel unencrypted to another machine."
    return click.option("--allow-plain-http", is_flag=True, help=help_text)(command)


class Seconds(click.FloatRange):
    """An option's number of seconds."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See `click.ParamType`."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            problem = f"{value!r} is no number of seconds from {self.min:g} to {self.max:g}. Write 10, for example."
        return self.fail(problem, param, ctx)


def echo(text: str = "", *, err: bool = False) -> None:
    """Print a line as it is, in the encoding that the terminal has: click takes ASCII for a mistake, and UTF-8."""
    click.echo(text, file=sys.stderr if err else sys.stdout)


def emit(document: dict[str, Any], *, line: bool = False) -> None:
    """Print a JSON document; on one line if `line`."""
    echo(json.dumps(_clean(document), indent=None if line else 2))


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return scrubbed(value)
    if isinstance(value, dict):
        return {name: _clean(part) for name, part in value.items()}
    return [_clean(part) for part in value] if isinstance(value, (list, tuple)) else value


class Misconfigured(click.ClickException):
    """The chain, an option or the installation cannot work: exit code 2."""

    exit_code = MISCONFIGURED

    @classmethod
    def of(cls, error: CredentialsError, base_url: str | None = "given") -> Misconfigured:
        """From an error of the library.

        Args:
            error: The error.
            base_url: What --base-url was given; None means that the environment names it.
        """
        text = f"{error.message}\n{error.remedy}".rstrip()
        return cls(in_options(text if base_url else text.replace("base_url=", f"{BASE_URL}=")))


_RENAMED = {"min_age": "if_older_than"}
_ARGUMENTS = "allow_plain_http|base_url|min_age|prove_for|prove_timeout|retire_after|service_account"
_ARGUMENT = re.compile(rf"(?<![\w.=/(-])({_ARGUMENTS}|project(?==))(?![\w(])(=(?:True\b)?)?")
"""Those arguments of the library that are options of the command too."""


def in_options(text: str) -> str:
    """What the library says of its arguments, said of the command's options."""
    return _ARGUMENT.sub(_option, text)


def _option(found: re.Match[str]) -> str:
    name = f"--{_RENAMED.get(found[1], found[1]).replace('_', '-')}"
    return f"{name} " if found[2] == "=" else name


class Printer:
    """Prints paragraphs for people, on stdout or stderr."""

    def __init__(self, *, err: bool = False) -> None:
        # A name with an umlaut must not end a diagnosis on a terminal that cannot show it.
        make_readable()
        self.console = console_of(sys.stderr if err else sys.stdout)
        self.live = is_live(self.console)
        self._width = self.console.width - 1

    def say(self, text: str = "", *, lead: str = "", style: str = "", lead_style: str = "") -> None:
        """Print a paragraph.

        Args:
            text: What is said; wrapped at white space only, so that what is to be copied stays whole.
            lead: What stands before its first line; the others are indented by as much.
            style: The style of the text, in rich's words.
            lead_style: The style of the lead.
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
        """Print a command, whole, with a comment beside it if there is room, or below it."""
        beside = f"{line}  # {comment}"
        if len(beside) + 2 <= self._width:
            self.say(beside, lead="  ")
        else:
            self.say(line, lead="  ")
            self.say(f"# {comment}", lead="    ")


@contextlib.contextmanager
def quiet() -> Iterator[list[str]]:
    """Keep everybody's log and warnings off the screen; yields what the library warns of, to be shown in its place."""
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
    """A duration for people: "12 s", "3 min", "5 h", "2 d"."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
