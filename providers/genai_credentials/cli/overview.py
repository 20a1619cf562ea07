"""`genai-credentials` alone: how the chain stands, and what to do next."""

from __future__ import annotations

from typing import NoReturn

import click

from genai_credentials.cli.chains import Chain, chain_of
from genai_credentials.cli.output import OK, Printer
from genai_credentials.cli.status import look, show
from genai_credentials.sources.base import Source

NEW = "dotenv:.env"
SERVED = (
    ("genai-credentials check", "ask the API about this key"),
    ("genai-credentials watch", "see it live, and its rotations"),
    ("genai-credentials rotate --help", "replace it without losing a request"),
)
LOST = (
    ("genai-credentials doctor", "look at everything that may be wrong"),
    ("genai-credentials demo", "watch it work, without a key"),
)


def overview() -> NoReturn:
    """Show the status and what to run next; ends with the exit code of `status`."""
    chain = chain_of(())
    seen = look(chain, offline=False)
    printer = Printer()
    show(printer, chain, seen)
    printer.say()
    printer.say("Next:", style="bold")
    for command, tells in SERVED if seen.code == OK else (*_first_key(chain), *LOST):
        printer.command(command, tells)
    printer.say()
    printer.say("All commands: genai-credentials --help")
    raise click.exceptions.Exit(seen.code)


def _first_key(chain: Chain) -> list[tuple[str, str]]:
    """How a key gets into the chain: into its first link that can be written, else into a .env file."""
    uris = [link.uri for link in chain.providers if isinstance(link, Source) and link.uri and hasattr(link, "put")]
    put = (f"genai-credentials put {uris[0] if uris else NEW}", "store a key of Google AI Studio; it is asked for")
    return [put] if uris else [(f"export GENAI_CREDENTIALS={NEW}", "say where the key is kept"), put]
