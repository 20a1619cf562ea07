"""`genai-credentials fingerprint`: the name of a key in logs. The key is not shown."""

from __future__ import annotations

from typing import Any, NamedTuple, NoReturn

import click

from genai_credentials.cli.chains import chain_of, key_document
from genai_credentials.cli.key_input import typed_key, typed_text
from genai_credentials.cli.output import BAD, OK, Printer, echo, emit, in_options, json_option, quiet
from genai_credentials.cli.status import ask_all
from genai_credentials.cli.usage import Verb
from genai_credentials.errors import CredentialsError
from genai_credentials.key import ApiKey

NOTHING: dict[str, Any] = {"fingerprint": None, "kind": None, "provider": None, "version": None, "notes": []}


class Problem(NamedTuple):
    """The reason why there is no key."""

    error: str
    remedy: str


@click.command(cls=Verb, short_help="Print the fingerprint of a key, its name in logs.")
@json_option
@click.argument("uri", required=False)
def fingerprint(as_json: bool, uri: str | None) -> None:
    """Print the fingerprint of a key: the first 8 hexadecimal digits of its SHA-256.

    With URI, it is the key of that link. Without URI, the key is read from standard input. On a terminal the command
    asks for the key, and does not show it. White space and quotes around the key are removed first. A key is never an
    argument, because other users can read the arguments of a process.

    \b
    Examples:
      genai-credentials fingerprint google:projects/acme/secrets/gemini
      pass show gemini | genai-credentials fingerprint

    \b
    Exit codes:
      0  the fingerprint was printed
      1  there is no key, or the text is not a key
      2  the URI or an option is wrong
    """
    found = _of_link(uri) if uri is not None else _typed()
    if isinstance(found, Problem):
        _fail(found, as_json=as_json)
    if as_json:
        emit({**key_document(found), "error": "", "remedy": "", "exit_code": OK})
    else:
        echo(found.fingerprint)
        if found.notes:
            Printer(err=True).say(f"The key had {' and '.join(found.notes)} around it. They were removed first.")
    raise click.exceptions.Exit(OK)


def _of_link(uri: str) -> ApiKey | Problem:
    with quiet():
        (row,) = ask_all(chain_of((uri,)))
    return row.key or Problem(f"{row.provider.name} is {row.outcome}. {row.reason}", in_options(row.remedy))


def _typed() -> ApiKey | Problem:
    text = typed_text("its fingerprint", "to name")
    try:
        return typed_key(text)
    except CredentialsError as error:
        return Problem(error.message, error.remedy)


def _fail(problem: Problem, *, as_json: bool) -> NoReturn:
    if as_json:
        emit({**NOTHING, **problem._asdict(), "exit_code": BAD})
    else:
        printer = Printer(err=True)
        printer.say(problem.error, style="bold red")
        printer.say(problem.remedy, lead="-> ", lead_style="bold")
    raise click.exceptions.Exit(BAD)
