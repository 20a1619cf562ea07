"""`genai-credentials proxy`: a reverse proxy on loopback, for tools that accept only a key's text and a base URL."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from genai_credentials.cli.chains import Chain, chain_of, uris_argument
from genai_credentials.cli.output import Misconfigured, Printer, emit
from genai_credentials.cli.run import not_started
from genai_credentials.cli.stderr_lines import Lines
from genai_credentials.cli.usage import Verb
from genai_credentials.cli.values import PATH, URL, Whole
from genai_credentials.errors import CredentialsError
from genai_credentials.sources.base import DEFAULT_NAMES

if TYPE_CHECKING:
    from genai_credentials.proxy.setup import Setup


class WithCommand(Verb):
    """A verb whose arguments may end with `--` and a command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See `click.Command`."""
        at = args.index("--") if "--" in args else len(args)
        own, command = args[:at], tuple(args[at + 1 :])
        rest = super().parse_args(ctx, own)
        if at < len(args) and not command and not ctx.resilient_parsing:
            form = f'{ctx.command_path} -- gemini -p "Hello"'
            raise Misconfigured(f"After -- the command is missing.\nWrite the command that is to run: {form}")
        ctx.params["command"] = command
        return rest

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """See `click.Command`."""
        return [*super().collect_usage_pieces(ctx), "[-- COMMAND [ARGUMENT]...]"]


@click.command(cls=WithCommand, short_help="Run a local proxy that adds the current key to each request.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON on stdout when the proxy listens.")
@click.option(
    "--port",
    type=Whole(0, 65_535, 8787),
    metavar="NUMBER",
    help="The port on 127.0.0.1 and ::1, from 0 to 65535. 0 takes a free port. [default: 8787; with COMMAND: 0]",
)
@click.option(
    "--unix",
    type=PATH,
    metavar="PATH",
    help="Listen on this Unix socket, not on a port. Only its owner can open the socket.",
)
@click.option(
    "--token-file",
    type=PATH,
    metavar="PATH",
    help="Read the token from this file. If there is no such file, make one. [default: a new token at each start]",
)
@click.option(
    "--upstream",
    type=URL,
    metavar="URL",
    help="The URL of the API. [default: https://generativelanguage.googleapis.com]",
)
@uris_argument
def proxy(
    as_json: bool,
    port: int | None,
    unix: str | None,
    token_file: str | None,
    upstream: str | None,
    uris: tuple[str, ...],
    command: tuple[str, ...],
) -> None:
    """Run a proxy on this machine that adds the current key of the chain to each request to the API.

    Use it for a tool that accepts only a key's text and a base URL, and so cannot follow a rotation. The tool uses the
    URL of the proxy as base URL, and the token of the proxy as key. If the API refuses a key, the proxy sends the
    request again with the next key. Only programs on this machine can connect.

    With COMMAND, the proxy takes a free port, sets GOOGLE_GEMINI_BASE_URL and GEMINI_API_KEY for COMMAND, runs COMMAND,
    and ends when COMMAND ends. COMMAND receives the token, not the key. COMMAND receives all signals, and its exit code
    is the exit code.

    The chain is the URIs given, else $GENAI_CREDENTIALS, else `env:`. The log is on stderr: method, path, status,
    milliseconds and the fingerprint of the key. If COMMAND runs on a terminal, there is no log.

    \b
    Examples:
      genai-credentials proxy
      genai-credentials proxy aws:prod/gemini --port 9000 --json
      genai-credentials proxy -- gemini -p "Hello"

    \b
    Exit codes:
      0    a signal ended the proxy
      2    a URI or an option is wrong, or the port is in use
      126  COMMAND cannot be executed
      127  COMMAND was not found
      any other code is the exit code of COMMAND
    """
    if port is not None and unix is not None:
        raise Misconfigured("--port and --unix exclude each other.\nGive one of them.")
    if unix is not None and command:
        raise Misconfigured("--unix does not work with COMMAND, which needs a port.\nLeave --unix out.")
    # Copied first, because some packages set variables when they are imported.
    environ = dict(os.environ)
    chain = chain_of(uris)
    with ExitStack() as stack:
        setup = _set_up(stack, port=port, unix=unix, token_file=token_file, upstream=upstream, command=bool(command))
        code = _serve(stack, chain, setup, command, environ, _shown(setup, command, as_json=as_json))
    raise click.exceptions.Exit(code)


def _set_up(stack: ExitStack, **options: Any) -> Setup:
    from genai_credentials.provider import import_extra

    try:
        import_extra("aiohttp", "proxy")
        from genai_credentials.proxy.setup import set_up

        return set_up(stack, **options)
    except CredentialsError as error:
        raise Misconfigured.of(error) from None


def _shown(setup: Setup, command: tuple[str, ...], *, as_json: bool) -> Callable[[], None]:
    """The function that prints the first lines, when the proxy listens."""

    def show() -> None:
        if as_json:
            emit(setup.document(), line=True)
        elif not command:
            printer = Printer()
            printer.say(f"Listening on {setup.url or setup.unix}, for {setup.upstream.url}.")
            printer.say(f"The token is in {setup.token_file}.")
            if printer.live:
                printer.say("In a tool, use this URL as base URL and the token as key. Ctrl-C ends the proxy.")
        sys.stdout.flush()

    return show


def _serve(
    stack: ExitStack,
    chain: Chain,
    setup: Setup,
    command: tuple[str, ...],
    environ: dict[str, str],
    started: Callable[[], None],
) -> int:
    from genai_credentials.proxy.lifecycle import NotStarted, for_a_command, until_a_signal
    from genai_credentials.proxy.server import Proxy

    # The terminal belongs to COMMAND, because COMMAND may draw on it.
    lines = Lines(None if command and sys.stderr.isatty() else sys.stderr)
    stack.enter_context(lines.of_the_library())
    credentials = stack.enter_context(chain.open())
    served = Proxy(credentials, setup.token, setup.upstream, any_host=setup.unix is not None, log=lines.write)
    if not command:
        asyncio.run(until_a_signal(served, setup.sockets, started))
        return 0
    from genai_credentials.proxy.environment import environment_for

    given = environment_for(environ, setup.url or "", setup.token.text, _hidden(chain))
    try:
        return asyncio.run(for_a_command(served, setup.sockets, started, command, given))
    except NotStarted as failure:
        not_started(command[0], failure.error, as_json=False)


def _hidden(chain: Chain) -> set[str]:
    """The variables that hold a key, or that name the place of a key."""
    from genai_credentials.sources.env import Env
    from genai_credentials.uris import VARIABLE

    own = {name for provider in chain.providers if isinstance(provider, Env) for name in provider.names}
    return {*DEFAULT_NAMES, VARIABLE, *own}
