"""`genai-credentials status`: the key of each link of a chain."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from genai_credentials.chain import Link
from genai_credentials.cli import screens
from genai_credentials.cli.chains import (
    Chain,
    Finding,
    age_line,
    age_of,
    chain_of,
    findings_of,
    key_document,
    key_line,
    stored_for,
    uris_argument,
)
from genai_credentials.cli.output import BAD, OK, Printer, emit, json_option, know, quiet
from genai_credentials.cli.usage import Verb
from genai_credentials.cli.waiting import waiting
from genai_credentials.deadline import DEFAULT_FETCH_TIMEOUT
from genai_credentials.errors import CredentialsError, Unavailable
from genai_credentials.key import ApiKey
from genai_credentials.provider import missing
from genai_credentials.workers import run

if TYPE_CHECKING:
    from genai_credentials.provider import Provider

SOURCES = {
    "arguments": "named on the command line",
    "GENAI_CREDENTIALS": "from GENAI_CREDENTIALS",
    "default": "env: by default (GENAI_CREDENTIALS is unset)",
}


class Row(NamedTuple):
    """One link. `outcome` is serving, standby, absent, broken or unasked. `reason` and `remedy` may be empty."""

    provider: Provider
    outcome: str
    reason: str = ""
    remedy: str = ""
    key: ApiKey | None = None

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "provider": self.provider.name,
            "outcome": self.outcome,
            "reason": self.reason,
            "remedy": self.remedy,
            "key": None if self.key is None else aged(self.key, self.provider),
        }


def aged(key: ApiKey, provider: Provider) -> dict[str, Any]:
    """Return the JSON document of a key, with its age."""
    stored = stored_for(provider)
    ages = {"age_seconds": round(age_of(key), 3), "stored_seconds_ago": None if stored is None else round(stored, 3)}
    return {**key_document(key), **ages}


@click.command(cls=Verb, short_help="Show each link of the chain, and the link that serves.")
@json_option
@click.option("--offline", is_flag=True, help="Fetch no key. Check only names, files and installed packages.")
@uris_argument
def status(as_json: bool, offline: bool, uris: tuple[str, ...]) -> None:
    """Ask each link of the chain for its key. Show the link that serves, and the reason for each absent or broken link.

    The chain is the URIs given, else $GENAI_CREDENTIALS, else `env:`. The links below the serving link are asked too:
    you see their problems before you need them. A key is shown by its fingerprint, the first 8 hexadecimal digits of
    its SHA-256.

    \b
    Examples:
      genai-credentials status
      genai-credentials status env: google:projects/acme/secrets/gemini
      genai-credentials status --offline --json

    \b
    Exit codes:
      0  a link serves a key (with --offline: a link may have a key)
      1  no link has a key
      2  a URI or an option is wrong
    """
    chain = chain_of(uris)
    seen = look(chain, offline=offline)
    if as_json:
        emit(_document(chain, seen, offline=offline))
    else:
        show(Printer(), chain, seen)
    raise click.exceptions.Exit(seen.code)


class Seen(NamedTuple):
    """The state of a chain: one row for each link, and the warnings."""

    rows: Sequence[Row]
    found: Sequence[Finding]

    @property
    def code(self) -> int:
        """The exit code."""
        return OK if any(row.outcome in ("serving", "unasked") for row in self.rows) else BAD


def look(chain: Chain, *, offline: bool) -> Seen:
    """Return the state of a chain. If `offline` is true, no key is fetched."""
    with quiet() as warned:
        rows = [offline_row(provider) for provider in chain.providers] if offline else ask_all(chain)
        found = findings_of(chain, [row.key for row in rows if row.key])
    return Seen(rows, [*found, *(Finding(text, "") for text in warned if "was taken off" not in text)])


def ask_all(chain: Chain) -> list[Row]:
    """Ask all links at the same time."""
    timeout = chain.durations.get("fetch_timeout", DEFAULT_FETCH_TIMEOUT)
    with chain.open() as credentials, waiting(f"Asking {counted(chain.providers)}"):
        asked = [run(partial(_ask, link, timeout), "status") for link in credentials.engine.links]
        rows = [one.result() for one in asked]
    serving = next((row for row in rows if row.key), None)
    return [row._replace(outcome="standby") if row.key and row is not serving else row for row in rows]


def _ask(link: Link, timeout: float) -> Row:
    try:
        key = link.fetch(None, timeout)
    except CredentialsError as error:
        outcome = "absent" if isinstance(error, Unavailable) else "broken"
        return Row(link.provider, outcome, bare(link.name, error.message), error.remedy)
    know(key)
    return Row(link.provider, "serving", key=key)


def bare(name: str, message: str) -> str:
    """The message as a sentence, without the name of the link at its start."""
    text = message.removeprefix(f"{name}: ")
    return text[:1].upper() + text[1:]


def offline_row(provider: Provider) -> Row:
    """The row of a link, made without a fetch."""
    from genai_credentials.sources.aws import AWSSecretsManager
    from genai_credentials.sources.dotenv import Dotenv
    from genai_credentials.sources.env import Env
    from genai_credentials.sources.file import File
    from genai_credentials.sources.google import GoogleSecretManager

    needs = {AWSSecretsManager: ("boto3", "aws"), Dotenv: ("dotenv", "dotenv")}
    module, extra = needs.get(type(provider), ("", ""))
    if isinstance(provider, GoogleSecretManager) and provider.transport == "grpc":
        module, extra = "google.cloud.secretmanager_v1", "google"
    if module and not _installed(module):
        error = missing(module, extra)
        return Row(provider, "broken", error.message, error.remedy)
    if isinstance(provider, Env):
        names = [name for name in provider.names if os.environ.get(name)]
        listed = " and ".join(names or provider.names)
        if not names:
            first, *others = provider.names
            return Row(provider, "absent", f"{listed} {'are' if others else 'is'} unset or empty.", f"Set {first}.")
        return Row(provider, "unasked", f"{listed} {'are' if len(names) > 1 else 'is'} set.")
    if isinstance(provider, (File, Dotenv)) and not provider.path.is_file():
        return Row(provider, "absent", "No such file.", "Create it, or add another provider to the chain.")
    return Row(provider, "unasked", "Not asked, because of --offline.")


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _document(chain: Chain, seen: Seen, *, offline: bool) -> dict[str, Any]:
    links = [row.document() for row in seen.rows]
    return {
        "chain": chain.source,
        "offline": offline,
        "serving": next((link["key"] for link in links if link["outcome"] == "serving"), None),
        "links": links,
        "findings": [finding._asdict() for finding in seen.found],
        "exit_code": seen.code,
    }


def counted(links: Sequence[object]) -> str:
    """The number of links, in words."""
    return f"{len(links)} link{'s' if len(links) > 1 else ''}"


def show(printer: Printer, chain: Chain, seen: Seen) -> None:
    """Print the state of a chain."""
    printer.say(f"The chain has {counted(seen.rows)}, {SOURCES[chain.source]}.", style="dim")
    printer.say()
    for row in seen.rows:
        lines = [f"{key_line(row.key)}; {age_line(row.key, row.provider)}"] if row.key else [row.reason]
        mark = "*" if row.outcome == "serving" else " "
        screens.row(printer, row.outcome, row.provider.name, lines, row.remedy, mark)
    screens.findings(printer, seen.found)
    if seen.code != OK:
        printer.say()
        printer.say("No link has a key, so no request can be sent.", style="bold red")
