"""The group of commands. The module of each command imports heavy packages only when the command runs."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from typing import Any

import click
import rich  # noqa: F401 - every command prints with rich, and a missing package is reported once, from here

from genai_credentials.cli.check import check
from genai_credentials.cli.demo.command import demo
from genai_credentials.cli.doctor import doctor
from genai_credentials.cli.explain import explain
from genai_credentials.cli.fingerprint import fingerprint
from genai_credentials.cli.output import BAD, INTERRUPTED, REDACTED, Misconfigured, echo, scrubbed
from genai_credentials.cli.overview import overview
from genai_credentials.cli.proxy import proxy
from genai_credentials.cli.put import put
from genai_credentials.cli.rotate import rotate
from genai_credentials.cli.run import run
from genai_credentials.cli.status import status
from genai_credentials.cli.terminal import fitting, make_readable
from genai_credentials.cli.unread import drop
from genai_credentials.cli.usage import NEVER_TYPED, in_our_words, no_such_command
from genai_credentials.cli.watch import watch

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""The errors of a disk that takes no more text."""


class Careful(click.Group):
    """A group whose errors never repeat a key that was typed into the wrong place. Ctrl-C ends it with code 130."""

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """See `click.Command`."""
        make_readable()
        with _scrubbing():
            return super().make_context(*args, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See `click.Command`."""
        typed = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            problem = in_our_words(error, ctx, typed)
        raise problem

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """See `click.Group`."""
        if args[0] not in self.commands and not ctx.resilient_parsing:
            raise no_such_command(ctx, args[0], list(self.commands))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """See `click.Command`."""
        with _scrubbing():
            return super().invoke(ctx)


@contextlib.contextmanager
def _scrubbing() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise click.exceptions.Exit(INTERRUPTED) from None
    except click.Abort as error:
        # Click raises this error for Ctrl-C, Ctrl-D and "no" at a question. Only Ctrl-C has the exit code 130.
        if isinstance(error.__context__, KeyboardInterrupt):
            echo(err=True)
            raise click.exceptions.Exit(INTERRUPTED) from None
        echo("Nothing was changed.", err=True)
        raise click.exceptions.Exit(BAD) from None
    except OSError as error:
        if error.errno not in _FULL:
            raise
        drop(sys.stdout)
        message = f"The output cannot be written: {os.strerror(error.errno)}.\nWrite the output to another place."
        raise Misconfigured(message) from None
    except click.ClickException as error:
        bare = scrubbed(error.message)
        vars(error)["message"] = fitting(f"{bare}\n{NEVER_TYPED}" if REDACTED in bare else bare, sys.stderr)
        raise


@click.group(
    cls=Careful,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    invoke_without_command=True,
)
@click.version_option(None, "-V", "--version", package_name="genai-credentials", message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Read, check, store and rotate API keys for Gemini.

    A key comes from the environment, a file or a secret manager. Without a COMMAND, the status of the chain is
    printed, and the commands to run next. The exit code is then the exit code of `status`.

    Each command has its own help: genai-credentials COMMAND --help

    \b
    To begin:
      genai-credentials status
      genai-credentials check

    \b
    When an application reports an error:
      genai-credentials explain "the error you see"
      genai-credentials doctor
    """
    if context.invoked_subcommand is None:
        overview()


for command in (status, check, doctor, explain, fingerprint, watch, run, proxy, put, rotate, demo):
    cli.add_command(command)
