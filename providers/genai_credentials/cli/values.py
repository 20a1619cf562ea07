"""The types of the options' values. Each error says what to write instead, and never repeats a key."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from genai_credentials.cli.output import REDACTED, Command, scrubbed
from genai_credentials.cli.usage import EMPTY, NEVER_TYPED, may_be_a_key, shown
from genai_credentials.errors import CredentialsError

# Generic for the type checkers alone: older versions of click have no parameter there.
if TYPE_CHECKING:
    ParamType = click.ParamType[Any]
else:
    ParamType = click.ParamType


class Number(ParamType):
    """A number from `lowest` to `highest`.

    Args:
        lowest: The lowest number that is allowed.
        highest: The highest number that is allowed; None means that there is no limit.
        example: A number for the error to propose.
    """

    def __init__(self, lowest: float, highest: float | None, example: float) -> None:
        self.lowest, self.highest, self.example = lowest, highest, example

    def read(self, text: str) -> float:
        """Return the number that a text is.

        Raises:
            ValueError: The text is not a number.
        """
        return float(text)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See `click.ParamType`."""
        try:
            number = self.read(str(value))
        except ValueError:
            number = self.lowest - 1
        if self.lowest <= number and (self.highest is None or number <= self.highest):
            return number
        limits = f"from {self.lowest:g} to {self.highest:g}" if self.highest else f"of at least {self.lowest:g}"
        return _fail(self, str(value), f"{self.name} {limits}", f"{self.example:g}", param, ctx)


class Seconds(Number):
    """A number of seconds."""

    name = "number of seconds"

    def __init__(self, lowest: float, highest: float, example: float = 10) -> None:
        super().__init__(lowest, highest, example)


class Whole(Number):
    """A whole number."""

    name = "whole number"

    def read(self, text: str) -> int:
        """See `Number`."""
        return int(text)


class Duration(ParamType):
    """A number of seconds, or a number with a unit: 90, 90s, 15m, 12h, 90d."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See `click.ParamType`."""
        from genai_credentials.rotate.settings import duration

        try:
            return duration(str(value), "")
        except CredentialsError:
            pass
        return _fail(self, str(value), "duration in seconds, or with s, m, h or d", "90d", param, ctx)


class Text(ParamType):
    """A text with a form.

    Args:
        name: A noun for the error.
        example: A text for the error to propose.
        accepts: Returns whether a text has the form.
    """

    def __init__(self, name: str, example: str, accepts: Callable[[str], object]) -> None:
        self.name, self.example, self._accepts = name, example, accepts

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See `click.ParamType`."""
        if self._accepts(value):
            return value
        return _fail(self, value, self.name, self.example, param, ctx)


URL = Text("URL of http or https", "https://gateway.example", re.compile(r"https?://[^/]", re.IGNORECASE).match)
PROJECT = Text("project's id", "acme-prod", re.compile(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{0,62}|\d{1,19}").fullmatch)
ACCOUNT = Text("name of a service account", "gemini@acme.iam.gserviceaccount.com", re.compile(r"[^@]+@[^@]+").fullmatch)
PATH = Text("path", "./name", lambda text: text and REDACTED not in scrubbed(text))


def _fail(
    kind: ParamType,
    text: str,
    wanted: str,
    example: str,
    param: click.Parameter | None,
    ctx: click.Context | None,
) -> Any:
    option = f"{param.opts[0]} " if param else ""
    what = f"{shown(text)} is not a {wanted}." if text else EMPTY
    warning = f"\n{NEVER_TYPED}" if may_be_a_key(text) else ""
    return kind.fail(f"{what}\nFor example: {option}{example}{warning}", param, ctx)


def base_url_option(command: Command) -> Command:
    """The option --base-url of the verbs that ask the API about a key."""
    help_text = "The URL of the API, for example of a gateway. [default: $GOOGLE_GEMINI_BASE_URL, else Google]"
    return click.option("--base-url", type=URL, metavar="URL", help=help_text)(command)


def timeout_option(command: Command) -> Command:
    """The option --timeout of the verbs that ask the API about a key."""
    help_text = "Seconds to wait for the answer, from 0.1 to 600. [default: 10]"
    return click.option("--timeout", type=Seconds(0.1, 600), metavar="SECONDS", default=10.0, help=help_text)(command)
