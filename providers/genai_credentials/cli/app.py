"""The group of commands. Each command's own module loads what it needs only when it runs."""

from __future__ import annotations

import click
import rich  # noqa: F401 - every command prints with it: a missing one is told of here, once

from genai_credentials.cli.demo import demo


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="genai-credentials", message="%(prog)s %(version)s")
def cli() -> None:
    """API keys for Gemini from pluggable providers, rotated without losing a request."""


cli.add_command(demo)
