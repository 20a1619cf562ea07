"""`genai-credentials check`: ask the API about the keys of a chain, and explain the answer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import click

from genai_credentials.cli import screens
from genai_credentials.cli.causes import EXITS
from genai_credentials.cli.chains import (
    Chain,
    Finding,
    chain_of,
    findings_of,
    key_line,
    origin_name,
    uris_argument,
)
from genai_credentials.cli.output import (
    BAD,
    MISCONFIGURED,
    OK,
    UNCLEAR,
    Printer,
    emit,
    json_option,
    plain_http_option,
    quiet,
)
from genai_credentials.cli.status import bare, counted
from genai_credentials.cli.usage import Verb
from genai_credentials.cli.values import base_url_option, timeout_option
from genai_credentials.cli.waiting import waiting
from genai_credentials.workers import run

if TYPE_CHECKING:
    from genai_credentials.cli.key_check import Asked, Way


@click.command(cls=Verb, short_help="Ask the API whether it accepts the key.")
@json_option
@click.option("--each", is_flag=True, help="Ask about the key of each link, not only about the serving key.")
@base_url_option
@timeout_option
@plain_http_option
@uris_argument
def check(
    as_json: bool, each: bool, base_url: str | None, timeout: float, allow_plain_http: bool, uris: tuple[str, ...]
) -> None:
    """Ask the API whether it accepts the key of the chain, and explain the answer.

    The command fetches the key and lists one model with it, through the client that an application uses. If the API
    refuses the key, the client tries the next key of the chain. The key is sent in a header, never in a URL, and is
    never printed.

    The chain is the URIs given, else $GENAI_CREDENTIALS, else `env:`.

    \b
    Examples:
      genai-credentials check
      genai-credentials check --each --base-url https://gateway.example
      genai-credentials check aws:prod/gemini#api_key

    \b
    Exit codes:
      0  the API accepts the key (with --each: the key of each link with a key)
      1  the API refuses the key, or no link has a key
      2  the key is not the cause: the project, the key's restrictions or a
         gateway is set up wrong; or a URI or an option is wrong
      3  unclear: no connection, API overloaded, quota used up, request blocked
    """
    from genai_credentials.cli.key_check import Way

    chain, way = chain_of(uris), Way(base_url, timeout, allow_plain_http)
    with quiet():
        results = ask_each(chain, way) if each else ask_chain(chain, way)
        found = found_in(chain, results, origin_name(base_url), each=each)
    code = worst(results)
    if as_json:
        emit(
            {
                "base_url": origin_name(base_url),
                "each": each,
                "checks": [one.document() for one in results],
                "findings": [finding._asdict() for finding in found],
                "exit_code": code,
            }
        )
    else:
        printer = Printer()
        (_show_each if each else _show_chain)(printer, results, origin_name(base_url))
        screens.findings(printer, found)
    raise click.exceptions.Exit(code)


def ask_chain(chain: Chain, way: Way) -> list[Asked]:
    """Ask about the chain, as an application does."""
    from genai_credentials.cli.key_check import ask

    with waiting(f"Asking {origin_name(way.base_url)}"):
        return [ask(chain, chain.providers, way)]


def ask_each(chain: Chain, way: Way) -> list[Asked]:
    """Ask about all links at the same time, each link on its own."""
    from genai_credentials.cli.key_check import ask

    with waiting(f"Asking {origin_name(way.base_url)} about {counted(chain.providers)}"):
        asked = [run(partial(ask, chain, [one], way, one.name), "check") for one in chain.providers]
        return [one.result() for one in asked]


def worst(results: Sequence[Asked]) -> int:
    """The exit code. An absent link counts only if all links are absent."""
    codes = {EXITS[one.meaning.verdict] for one in results if not one.is_absent} or {BAD}
    return next(code for code in (BAD, MISCONFIGURED, UNCLEAR, OK) if code in codes)


def found_in(chain: Chain, results: Sequence[Asked], host: str, *, each: bool) -> list[Finding]:
    """The warnings about the set-up, and about the links and keys that failed before the accepted key."""
    found = [] if each else _on_the_way(results[0])
    return [*found, *findings_of(chain, [key for one in results for key in one.keys], host)]


def _on_the_way(result: Asked) -> list[Finding]:
    found = [
        Finding(
            f"{link.provider}: broken. {bare(link.provider, link.reason)}",
            link.remedy,
        )
        for link in result.links
        if link.outcome == "broken" and result.key is not None
    ]
    return [*found, *refused_before(result)]


def refused_before(result: Asked) -> list[Finding]:
    """A warning for each key that the API refused before the last answer."""
    found = []
    for answer in result.answers[:-1]:
        if answer.key and answer.meaning.verdict == "refused":
            whose = f"{answer.key.provider}: the key {answer.key.fingerprint}"
            why = f"was refused ({answer.status} {answer.meaning.cause}), so the next key was tried."
            found.append(Finding(f"{whose} {why}", answer.meaning.remedy))
    return found


def answered(result: Asked) -> str:
    """The last answer in short: the status and, unless the key was accepted, the word for the cause."""
    last = result.answers[-1]
    return f"{last.status}" if last.meaning.verdict == "accepted" else f"{last.status} {last.meaning.cause}"


def _show_chain(printer: Printer, results: Sequence[Asked], host: str) -> None:
    (result,) = results
    meaning, key = result.meaning, result.key
    status = f" ({answered(result)})" if result.answers else ""
    word = {"accepted": "Accepted", "refused": "Refused", "no_key": "No key", "misconfigured": "Set up wrong"}
    # "not_the_key" explains an error. It does not answer the question whether the API accepts the key.
    verdict = meaning.verdict if meaning.verdict in word else "unknown"
    screens.headline(printer, verdict, f"{word.get(verdict, 'Could not tell')}{status}: {host}")
    if key is not None:
        printer.say(f"{key_line(key)}, from {key.provider}")
    printer.say(meaning.title)
    if meaning.verdict == "no_key" and not result.answers:
        printer.say()
        for link in result.links:
            screens.row(printer, link.outcome, link.provider, [bare(link.provider, link.reason)], link.remedy)
        return
    screens.body(printer, meaning)


def _show_each(printer: Printer, results: Sequence[Asked], host: str) -> None:
    printer.say(f"Each link's key, at {host}:", style="dim")
    printer.say()
    for one in results:
        name, link = one.provider or "", one.links[0]
        if one.key is None:
            screens.row(printer, link.outcome, name, [bare(name, link.reason)], link.remedy)
            continue
        status = f"{answered(one)}: " if one.answers else ""
        lines = [key_line(one.key), f"{status}{one.meaning.title}"]
        screens.row(printer, one.meaning.verdict, name, lines, one.meaning.remedy)
