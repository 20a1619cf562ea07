"""`genai-credentials proxy`: a reverse proxy on loopback for tools that take only a string and a base URL."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from genai_credentials.cli.chains import Chain, chain_of, uris_argument
from genai_credentials.cli.lines import Lines
from genai_credentials.cli.output import Misconfigured, Printer, emit
from genai_credentials.errors import CredentialsError
from genai_credentials.sources.base import DEFAULT_NAMES

if TYPE_CHECKING:
    from genai_credentials.proxy.setup import Setup


class WithCommand(click.Command):
    """A command line that may end with another one, after `--`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See `click.Command`."""
        at = args.index("--") if "--" in args else len(args)
        own, command = args[:at], tuple(args[at + 1 :])
        rest = super().parse_args(ctx, own)
        if at < len(args) and not command:
            raise click.UsageError("After -- comes the command that is to run.", ctx)
        ctx.params["command"] = command
        return rest

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """See `click.Command`."""
        return [*super().collect_usage_pieces(ctx), "[-- COMMAND [ARGUMENT]...]"]


@click.command(cls=WithCommand, short_help="Put the current key into the requests of any tool.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON on stdout once it listens.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    help="The port on 127.0.0.1 and ::1; 0 takes a free one. [default: 8787; with COMMAND a free one]",
)
@click.option("--unix", metavar="PATH", help="Listen on a Unix socket instead, which only its owner can open.")
@click.option("--token-file", metavar="PATH", help="Use the token in this file; one is made where there is no file.")
@click.option(
    "--upstream", metavar="URL", help="Where the API is. [default: https://generativelanguage.googleapis.com]"
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
    """Listen on this machine alone, and put the current key of a chain into each request on its way to the API.

    It is for tools that take only a string and a base URL, and so can't follow a rotation. They get the proxy's URL,
    and its token in the place of a key. A request that the API refuses for its key is sent again with the next one.

    With COMMAND, it takes a free port, runs COMMAND with GOOGLE_GEMINI_BASE_URL and GEMINI_API_KEY set, and ends with
    it. COMMAND gets the token and no key; signals and its exit code pass.

    The log is on stderr: method, path, status, milliseconds and the key's fingerprint. There is none while COMMAND has
    the terminal.

    \b
    Examples:
      genai-credentials proxy
      genai-credentials proxy aws:prod/gemini --port 9000 --json
      genai-credentials proxy -- gemini -p "Hello"

    \b
    Exit codes:
      0    a signal ended it
      2    the chain or an option is written wrong, or the port is taken
      126  COMMAND cannot be executed
      127  there is no such command
      any other is COMMAND's own
    """
    if port is not None and unix is not None:
        raise click.UsageError("--port and --unix exclude each other.")
    if unix is not None and command:
        raise click.UsageError("COMMAND finds the proxy by its port: leave --unix out.")
    # Before anything is loaded that sets a variable of its own.
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
    """What is printed once the proxy listens."""

    def show() -> None:
        if as_json:
            emit(setup.document(), line=True)
        elif not command:
            printer = Printer()
            printer.say(f"Listening on {setup.url or setup.unix}, for {setup.upstream.url}.")
            printer.say(f"The token is in {setup.token_file}.")
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
    from genai_credentials.proxy.running import for_a_command, until_a_signal
    from genai_credentials.proxy.server import Proxy

    # A terminal is the command's own, which may draw on it.
    lines = Lines(None if command and sys.stderr.isatty() else sys.stderr)
    stack.enter_context(lines.of_the_library())
    credentials = stack.enter_context(chain.open())
    served = Proxy(credentials, setup.token, setup.upstream, any_host=setup.unix is not None, log=lines.write)
    if not command:
        asyncio.run(until_a_signal(served, setup.sockets, started))
        return 0
    from genai_credentials.proxy.environment import environment_for

    given = environment_for(environ, setup.url or "", setup.token.text, _hidden(chain))
    return asyncio.run(for_a_command(served, setup.sockets, started, command, given))


def _hidden(chain: Chain) -> set[str]:
    """The variables that hold a key or lead to one."""
    from genai_credentials.sources.env import Env
    from genai_credentials.uris import VARIABLE

    own = {name for provider in chain.providers if isinstance(provider, Env) for name in provider.names}
    return {*DEFAULT_NAMES, VARIABLE, *own}
