"""The group of commands. Each command's own module loads what it needs only when it runs."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

import click
import rich  # noqa: F401 - every command prints with it: a missing one is told of here, once

from genai_credentials.cli.check import check
from genai_credentials.cli.demo.command import demo
from genai_credentials.cli.doctor import doctor
from genai_credentials.cli.explain import explain
from genai_credentials.cli.fingerprint import fingerprint
from genai_credentials.cli.output import INTERRUPTED, REDACTED, echo, scrubbed
from genai_credentials.cli.overview import overview
from genai_credentials.cli.proxy import proxy
from genai_credentials.cli.put import put
from genai_credentials.cli.rotate import rotate
from genai_credentials.cli.run import run
from genai_credentials.cli.status import status
from genai_credentials.cli.terminal import fitting, make_readable
from genai_credentials.cli.watch import watch

NEVER_TYPED = (
    "A key is never an argument: other users see it, and your shell keeps it. Pipe it in, and replace this one."
)


class Careful(click.Group):
    """A group whose errors do not repeat a key that was typed into the wrong place; Ctrl-C ends it as in a shell."""

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """See `click.Command`."""
        make_readable()
        with _scrubbing():
            return super().make_context(*args, **extra)

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
        # Of a question, which Ctrl-C, Ctrl-D and "no" end alike.
        if isinstance(error.__context__, KeyboardInterrupt):
            echo(err=True)
            raise click.exceptions.Exit(INTERRUPTED) from None
        raise
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
    """API keys for Gemini: from the environment, files and secret managers, rotated without losing a request.

    Without a COMMAND it shows the status, and what to do next.

    \b
    At 3 a.m.:  genai-credentials explain "the error you see"
                genai-credentials doctor
    """
    if context.invoked_subcommand is None:
        overview()


for command in (status, check, doctor, explain, fingerprint, watch, run, proxy, put, rotate, demo):
    cli.add_command(command)
