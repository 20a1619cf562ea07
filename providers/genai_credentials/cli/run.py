"""`genai-credentials run`: run a command with the key in its environment."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

import click

from genai_credentials.cli import screens
from genai_credentials.cli.chains import chain_of, links_document
from genai_credentials.cli.output import BAD, Misconfigured, Printer, echo, emit, json_option, know, quiet, scrubbed
from genai_credentials.cli.status import bare, counted
from genai_credentials.cli.usage import NEVER_TYPED, Verb, may_be_a_key, missing, no_such_option, refused, shown
from genai_credentials.cli.waiting import waiting
from genai_credentials.errors import CredentialsError
from genai_credentials.key import ApiKey
from genai_credentials.sources.base import DEFAULT_NAMES, variable_names
from genai_credentials.status import LinkStatus

NOT_EXECUTABLE, NOT_FOUND = 126, 127
"""The exit codes that shells use."""

# The options of COMMAND are not ours.
_STOP = {"ignore_unknown_options": True, "allow_interspersed_args": False}


class WithLinks(Verb):
    """A verb whose arguments may begin with URIs. If they do, `--` stands before COMMAND."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See `click.Command`."""
        end = args.index("--") if "--" in args else len(args)
        rest = super().parse_args(ctx, list(args))
        if ctx.resilient_parsing:
            # The shell completes an unfinished line.
            return rest
        words: tuple[str, ...] = ctx.params["command"]
        if not words:
            raise missing(ctx, "COMMAND")
        if len(args) - len(words) < end:
            self._refuse_option(ctx, words[0], args)
            if is_link(words[0]):
                self._parse_links(ctx, args[:end], tuple(args[end + 1 :]))
        return rest

    def _refuse_option(self, ctx: click.Context, word: str, typed: list[str]) -> None:
        # Options of COMMAND pass unread, so a misspelt option of ours would be taken for COMMAND.
        if word.startswith("-"):
            raise no_such_option(ctx, word.partition("=")[0], typed)

    def _parse_links(self, ctx: click.Context, own: list[str], command: tuple[str, ...]) -> None:
        ctx.params.clear()
        ctx.allow_interspersed_args = True
        super().parse_args(ctx, own)
        links: tuple[str, ...] = ctx.params["command"]
        form = f"COMMAND stands after --: {ctx.command_path} {links[0]} -- COMMAND"
        for word in links:
            self._refuse_option(ctx, word, own)
            if not is_link(word):
                raise refused(f"Before --, {shown(word)} is not a URI.", form, word)
        if not command:
            raise refused("Missing argument: COMMAND.", form)
        ctx.params |= {"uris": (*ctx.params["uris"], *links), "command": command}


def is_link(word: str) -> bool:
    """Whether a word is the URI of a link. No command has a colon at that place."""
    return re.match(r"[A-Za-z][\w-]*:", word) is not None


@click.command(cls=WithLinks, short_help="Run a command with the key in its environment.", context_settings=_STOP)
@json_option
@click.option("--uri", "uris", multiple=True, metavar="URI", help="A link of the chain. Repeat it for each link.")
@click.option(
    "--variable", default="GEMINI_API_KEY", metavar="NAME", help="The variable for the key. [default: GEMINI_API_KEY]"
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[URI]... -- COMMAND [ARGUMENT]...")
def run(as_json: bool, uris: tuple[str, ...], variable: str, command: tuple[str, ...]) -> None:
    """Run COMMAND with the key of the chain in its environment.

    Use it for a tool that reads a key only from an environment variable. COMMAND replaces this process, so it receives
    all signals, and its exit code is the exit code. The key is only in the environment, never in the arguments.
    COMMAND receives the current key: after a rotation, start COMMAND again.

    The chain is the URIs given, else $GENAI_CREDENTIALS, else `env:`.

    With --json, a failure to start COMMAND is printed as a JSON document on stdout. If COMMAND starts, nothing is
    printed but its own output.

    \b
    Examples:
      genai-credentials run -- gemini -p "Hello"
      genai-credentials run google:projects/acme/secrets/gemini -- make
      genai-credentials run --variable GOOGLE_API_KEY -- python app.py

    \b
    Exit codes:
      1    no link has a key
      2    a URI or an option is wrong
      126  COMMAND cannot be executed
      127  COMMAND was not found
      any other code is the exit code of COMMAND
    """
    # Copied first, because some packages set variables when they are imported.
    environ = dict(os.environ)
    chain = chain_of(uris)
    try:
        (name,) = variable_names((variable,))
    except CredentialsError:
        raise Misconfigured(
            "--variable takes the name of an environment variable, not a key.\nWrite --variable GEMINI_API_KEY."
        ) from None
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
    """The environment of the command: `environ` with the key, and without a variable that would win over the key."""
    result = {**environ, variable: key.get_secret_value()}
    if variable in DEFAULT_NAMES:
        for other in set(DEFAULT_NAMES) - {variable}:
            if result.get(other) not in (None, "", key.get_secret_value()):
                echo(f"genai-credentials: {other} holds another key. The command runs without {other}.", err=True)
                del result[other]
    return result


def _exec(command: tuple[str, ...], environ: Mapping[str, str], *, as_json: bool) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execvpe(command[0], command, environ)  # noqa: S606 - the purpose of this verb; no shell reads the words
    except (OSError, ValueError) as error:
        not_started(command[0], error, as_json=as_json)


def not_started(command: str, error: Exception, *, as_json: bool) -> NoReturn:
    """Print why a command could not be started, and exit with the code that a shell uses."""
    name = "COMMAND" if may_be_a_key(command) else command
    if isinstance(error, FileNotFoundError):
        where = "" if "/" in name else " on the PATH"
        text = f"{name}: there is no such command{where}. {NEVER_TYPED if name == 'COMMAND' else 'Check its name.'}"
        _fail("command_not_found", text, NOT_FOUND, as_json=as_json)
    text = f"{name}: the command cannot be executed ({type(error).__name__}). Check that it is a program."
    _fail("not_executable", text, NOT_EXECUTABLE, as_json=as_json)


def _no_key(links: Sequence[LinkStatus], *, as_json: bool) -> NoReturn:
    if not as_json:
        printer = Printer(err=True)
        printer.say("No link has a key, so the command was not started.", style="bold red")
        printer.say()
        for link in links:
            screens.row(printer, link.outcome, link.provider, [bare(link.provider, link.reason)], link.remedy)
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
