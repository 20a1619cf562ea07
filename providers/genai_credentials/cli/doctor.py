"""`genai-credentials doctor`: check everything at once that can be wrong with a key on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from genai_credentials.cli import machine
from genai_credentials.cli.chains import Chain, Finding, chain_of, findings_of, key_line, origin_name, uris_argument
from genai_credentials.cli.check import answered, ask_chain, refused_before, worst
from genai_credentials.cli.machine import BAD, GOOD, ODD, Point
from genai_credentials.cli.output import (
    MISCONFIGURED,
    OK,
    Printer,
    emit,
    in_options,
    json_option,
    plain_http_option,
    quiet,
)
from genai_credentials.cli.screens import COLOURS, MARKS
from genai_credentials.cli.status import SOURCES, Row, Seen, counted, look
from genai_credentials.cli.usage import Verb
from genai_credentials.cli.values import base_url_option, timeout_option

if TYPE_CHECKING:
    from genai_credentials.cli.key_check import Asked

_STATES = {"serving": GOOD, "standby": GOOD, "unasked": GOOD}
_VERDICTS = {"accepted": GOOD, "not_the_key": ODD, "unknown": ODD}


@click.command(cls=Verb, short_help="Check everything at once: chain, API, files, proxies, clock.")
@json_option
@click.option("--offline", is_flag=True, help="Fetch no key, and send no request.")
@base_url_option
@timeout_option
@plain_http_option
@uris_argument
def doctor(
    as_json: bool, offline: bool, base_url: str | None, timeout: float, allow_plain_http: bool, uris: tuple[str, ...]
) -> None:
    """Check everything at once that can be wrong with a key on this machine.

    \b
    The command checks:
      - each link of the chain, as `status` does
      - the answer of the API, as `check` does
      - variables that contradict each other or redirect requests
      - the permissions of files that hold keys or logins
      - proxies, certificates, the clock and the versions of packages

    The chain is the URIs given, else $GENAI_CREDENTIALS, else `env:`. No key is printed, so you can send the output
    to others.

    \b
    Examples:
      genai-credentials doctor
      genai-credentials doctor --base-url https://gateway.example
      genai-credentials doctor --offline env: aws:prod/gemini#api_key

    \b
    Exit codes:
      0  the API accepts the key (with --offline: a link may have a key)
      1  the API refuses the key, or no link has a key
      2  the set-up is wrong: the project, a gateway, a file, a proxy or the
         clock; or a URI or an option is wrong
      3  unclear: no connection, API overloaded, quota used up, request blocked
    """
    from genai_credentials.cli.key_check import Way

    chain, way = chain_of(uris), Way(base_url, timeout, allow_plain_http)
    way.check()
    seen = look(chain, offline=offline)
    with quiet():
        asked = None if offline or seen.code != OK else ask_chain(chain, way)[0]
    host, found = origin_name(base_url), machine.versions()
    points = [*_of_chain(chain, seen), *_of_api(chain, seen, asked, host), *_of_machine(chain, host, asked, found)]
    code = exit_code(seen, asked, points)
    if as_json:
        said = {"points": [point._asdict() for point in points], "versions": found, "exit_code": code}
        emit({"chain": chain.source, "offline": offline, "base_url": host, **said})
    else:
        _show(Printer(), points)
    raise click.exceptions.Exit(code)


def _of_machine(chain: Chain, host: str, asked: Asked | None, versions: dict[str, str | None]) -> list[Point]:
    return [
        *machine.file_points(chain.providers),
        *machine.proxy_points(host),
        *machine.certificate_points(),
        machine.clock_point(asked.ahead if asked else None),
        *machine.version_points(versions),
    ]


def exit_code(seen: Seen, asked: Asked | None, points: Sequence[Point]) -> int:
    """The exit code of the worst point. From the worst: no key, a wrong set-up, an unclear answer."""
    code = worst([asked]) if asked else seen.code
    wrong = any(point.state == BAD and point.topic in ("files", "proxies", "clock") for point in points)
    return MISCONFIGURED if wrong and code != 1 else code


def _of_chain(chain: Chain, seen: Seen) -> list[Point]:
    first = Point("chain", GOOD, f"{counted(seen.rows)}, {SOURCES[chain.source]}.")
    rows = (Point("chain", _state_of(row, seen), _line_of(row), in_options(row.remedy)) for row in seen.rows)
    return [first, *rows]


def _state_of(row: Row, seen: Seen) -> str:
    if seen.code != OK:
        return BAD
    # Another link serves, so a broken link is only odd.
    return _STATES.get(row.outcome, "absent" if row.outcome == "absent" else ODD)


def _line_of(row: Row) -> str:
    about = key_line(row.key) if row.key else row.reason.rstrip(".")
    return f"{row.provider.name} is {row.outcome}: {about}."


def _of_api(chain: Chain, seen: Seen, asked: Asked | None, host: str) -> list[Point]:
    keys = [row.key for row in seen.rows if row.key]
    if asked is None:
        return list(map(_odd, findings_of(chain, keys)))
    meaning = asked.meaning
    status = f" ({answered(asked)})" if asked.answers else ""
    point = Point("api", _VERDICTS.get(meaning.verdict, BAD), f"{host}{status}: {meaning.title}", meaning.remedy)
    return [point, *map(_odd, [*refused_before(asked), *findings_of(chain, asked.keys, host)])]


def _odd(finding: Finding) -> Point:
    return Point("variables", ODD, finding.what, finding.remedy)


def _show(printer: Printer, points: Sequence[Point]) -> None:
    shown = ""
    for point in points:
        topic = point.topic if point.topic != shown else ""
        sign = MARKS.get(point.state, " ")
        printer.say(point.what, lead=f"{sign} {topic:<10} ", lead_style=COLOURS.get(point.state, "dim"))
        if point.remedy and point.state != "absent":
            printer.say(point.remedy, lead=" " * 13 + "-> ")
        shown = point.topic
    wrong = sum(point.state in (BAD, ODD) for point in points)
    printer.say()
    if wrong:
        printer.say(f"{wrong} point{'s need' if wrong > 1 else ' needs'} your attention.", style="bold yellow")
    else:
        printer.say("No problem was found.", style="bold green")
