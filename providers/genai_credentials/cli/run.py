"""`genai-credentials run`: a command with the key in its environment."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

import click

from genai_credentials.cli import pages
from genai_credentials.cli.chains import chain_of, links_document
from genai_credentials.cli.output import BAD, Misconfigured, Printer, echo, emit, json_option, know, quiet, scrubbed
from genai_credentials.cli.status import bare, counted
from genai_credentials.cli.waiting import waiting
from genai_credentials.errors import CredentialsError
from genai_credentials.key import ApiKey
from genai_credentials.sources.base import DEFAULT_NAMES, variable_names
from genai_credentials.status import LinkStatus

NOT_EXECUTABLE, NOT_FOUND = 126, 127
"""The shell's own codes."""

# The command's options are its own.
_STOP = {"ignore_unknown_options": True, "allow_interspersed_args": False}


class WithLinks(click.Command):
    """A command line that may begin with URIs, as those of the other verbs do; then `--` stands before COMMAND."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See `click.Command`."""
        end = args.index("--") if "--" in args else len(args)
        rest = super().parse_args(ctx, list(args))
        words: tuple[str, ...] = ctx.params["command"]
        if not words:
            raise click.UsageError("Missing argument '-- COMMAND'.", ctx)
        if len(args) - len(words) < end and is_link(words[0]):
            self._parse_links(ctx, args[:end], tuple(args[end + 1 :]))
        return rest

    def _parse_links(self, ctx: click.Context, own: list[str], command: tuple[str, ...]) -> None:
        ctx.params.clear()
        ctx.allow_interspersed_args = True
        super().parse_args(ctx, own)
        links: tuple[str, ...] = ctx.params["command"]
        for word in links:
            if not is_link(word):
                raise click.UsageError(f"{word} is no URI. COMMAND stands after --: run {links[0]} -- COMMAND", ctx)
        if not command:
            raise click.UsageError(f"COMMAND is missing. It stands after --: run {links[0]} -- COMMAND", ctx)
        ctx.params |= {"uris": (*ctx.params["uris"], *links), "command": command}


def is_link(word: str) -> bool:
    """Whether a word is a link of a chain: no command has a colon there."""
    return re.match(r"[A-Za-z][\w-]*:", word) is not None


@click.command(cls=WithLinks, short_help="Run a command with the key in its environment.", context_settings=_STOP)
@json_option
@click.option("--uri", "uris", multiple=True, metavar="URI", help="A link of the chain; once for each, in order.")
@click.option(
    "--variable", default="GEMINI_API_KEY", show_default=True, metavar="NAME", help="The variable that gets the key."
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[URI]... -- COMMAND [ARGUMENT]...")
def run(as_json: bool, uris: tuple[str, ...], variable: str, command: tuple[str, ...]) -> None:
    """Run COMMAND with the key of a chain in its environment, for tools that read a key only from there.

    COMMAND takes the place of this process, so signals and its exit code pass. The key is in the environment alone,
    never in a list of arguments. COMMAND gets the key of this moment: restart COMMAND after a rotation.

    Which chain: the URIs given, else $GENAI_CREDENTIALS, else `env:`.

    With --json, a failure to start COMMAND is a JSON document on stdout. Once COMMAND runs, all output is its own.

    \b
    Examples:
      genai-credentials run -- gemini -p "Hello"
      genai-credentials run google:projects/acme/secrets/gemini -- make
      genai-credentials run --variable GOOGLE_API_KEY -- python app.py

    \b
    Exit codes:
      1    no link has a key
      2    the chain or an option is written wrong
      126  COMMAND cannot be executed
      127  there is no such command
      any other is COMMAND's own
    """
    # Before anything is loaded that sets a variable of its own.
    environ = dict(os.environ)
    chain = chain_of(uris)
    try:
        (name,) = variable_names((variable,))
    except CredentialsError:
        raise Misconfigured("--variable takes the name of an environment variable, not a key.") from None
    with quiet(), chain.open() as credentials, waiting(f"Asking {counted(chain.providers)}"):
        key: ApiKey | None
        try:
            key = credentials.get()
        except CredentialsError:
            key = None
        links = credentials.status().links
    if key is None:
        _no_key(links, as_json=as_json)
    know(key)
    _exec(command, environment_for(key, name, environ), as_json=as_json)


def environment_for(key: ApiKey, variable: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The command's environment: `environ` with the key, and without the variable that would win over it."""
    result = {**environ, variable: key.get_secret_value()}
    if variable in DEFAULT_NAMES:
        for other in set(DEFAULT_NAMES) - {variable}:
            if result.get(other) not in (None, "", key.get_secret_value()):
                echo(f"genai-credentials: {other} holds another key and is kept from the command.", err=True)
                del result[other]
    return result


def _exec(command: tuple[str, ...], environ: Mapping[str, str], *, as_json: bool) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execvpe(command[0], command, environ)  # noqa: S606 - what it is for; no shell reads it
    except FileNotFoundError:
        where = "" if "/" in command[0] else " on the PATH"
        _fail("command_not_found", f"{command[0]}: there is no such command{where}.", NOT_FOUND, as_json=as_json)
    except (OSError, ValueError) as error:
        text = f"{command[0]}: the command cannot be executed ({type(error).__name__})."
        _fail("not_executable", text, NOT_EXECUTABLE, as_json=as_json)


def _no_key(links: Sequence[LinkStatus], *, as_json: bool) -> NoReturn:
    if not as_json:
        printer = Printer(err=True)
        printer.say("No link has a key, so the command was not started.", style="bold red")
        printer.say()
        for link in links:
            pages.row(printer, link.outcome, link.provider, [bare(link.provider, link.reason)], link.remedy)
        raise click.exceptions.Exit(BAD)
    _fail(
        "no_key", "No link has a key, so the command was not started.", BAD, as_json=True, links=links_document(links)
    )


def _fail(cause: str, text: str, code: int, *, as_json: bool, links: Sequence[dict[str, str]] = ()) -> NoReturn:
    text = scrubbed(text)
    if as_json:
        emit({"cause": cause, "message": text, "links": list(links), "exit_code": code})
    else:
        echo(f"genai-credentials: {text}", err=True)
    raise click.exceptions.Exit(code)
