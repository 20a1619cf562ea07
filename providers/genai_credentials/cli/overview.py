"""`genai-credentials` without a verb: the state of the chain, and the commands to run next."""

from __future__ import annotations

from typing import NoReturn

import click

from genai_credentials.cli.chains import Chain, chain_of
from genai_credentials.cli.output import OK, Printer
from genai_credentials.cli.status import look, show
from genai_credentials.sources.base import Source

NEW = "dotenv:.env"
SERVED = (
    ("genai-credentials check", "ask the API whether it accepts the key"),
    ("genai-credentials watch", "show the serving key live"),
    ("genai-credentials rotate --help", "replace the key without a failed request"),
)
LOST = (
    ("genai-credentials doctor", "check everything that may be wrong"),
    ("genai-credentials demo", "show a rotation, without a key"),
)


def overview() -> NoReturn:
    """Print the status and the commands to run next. The exit code is the exit code of `status`."""
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
    """The commands that store a key: in the first link that can be written, else in a .env file."""
    uris = [link.uri for link in chain.providers if isinstance(link, Source) and link.uri and hasattr(link, "put")]
    put = (f"genai-credentials put {uris[0] if uris else NEW}", "store a key from Google AI Studio")
    return [put] if uris else [(f"export GENAI_CREDENTIALS={NEW}", "name the place of the key"), put]
