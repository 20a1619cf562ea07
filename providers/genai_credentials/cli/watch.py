"""`genai-credentials watch`: a chain at work: the serving key, the next refresh, rotations and failures."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from genai_credentials.cli.chains import chain_of, links_document, short, uris_argument
from genai_credentials.cli.output import BAD, OK, Printer, echo, emit, for_a_while, know, quiet, scrubbed
from genai_credentials.cli.screens import COLOURS
from genai_credentials.cli.status import bare, counted
from genai_credentials.cli.usage import Verb
from genai_credentials.cli.values import Seconds, Whole
from genai_credentials.cli.waiting import waiting
from genai_credentials.errors import CredentialsError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from genai_credentials.credentials import CredentialProvider
    from genai_credentials.status import Status

MOST_EVENTS = 6
_HEAD = f"{'time':<8}  {'state':<9}  {'key':<8}  {'version':<8}  {'refresh':>8}  {'rotations':>9}  {'failures':>8}"


class Sample(NamedTuple):
    """The state of a chain at one moment, and the changes since the sample before, as lines for people."""

    at: datetime
    status: Status
    happened: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        status = self.status
        return {
            "at": self.at.isoformat(timespec="milliseconds"),
            "state": status.state,
            "fingerprint": status.fingerprint,
            "provider": status.provider,
            "version": status.version,
            "age_seconds": _rounded(status.age),
            "next_refresh_seconds": _rounded(status.next_refresh),
            "links": links_document(status.links),
            "counters": dict(status.counters),
            "happened": list(self.happened),
        }


@click.command(cls=Verb, short_help="Show the serving key live: refreshes, rotations, failures.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document for each look, each on one line.")
@click.option(
    "--interval",
    type=Seconds(0.05, 3600.0, 2),
    default=2.0,
    metavar="SECONDS",
    help="Seconds between two looks, from 0.05 to 3600. [default: 2]",
)
@click.option(
    "--count", type=Whole(1, None, 5), metavar="NUMBER", help="Stop after this many looks. [default: stop at Ctrl-C]"
)
@click.option(
    "--ttl",
    type=Seconds(0.05, 86_400.0),
    metavar="SECONDS",
    help="Seconds between two fetches, from 0.05 to 86400. [default: $GENAI_CREDENTIALS_TTL, else 300]",
)
@uris_argument
def watch(as_json: bool, interval: float, count: int | None, ttl: float | None, uris: tuple[str, ...]) -> None:
    """Show the serving key of the chain live, with each refresh, rotation and failure.

    The command runs the chain in a process of its own, with the durations that an application on this machine has. It
    notices a rotation at its own next refresh. A shorter --ttl shows a rotation sooner, and causes more fetches.

    The chain is the URIs given, else $GENAI_CREDENTIALS, else `env:`. Ctrl-C ends the command.

    \b
    Examples:
      genai-credentials watch
      genai-credentials watch --ttl 10 google:projects/acme/secrets/gemini
      genai-credentials watch --count 1 --json

    \b
    Exit codes:
      0  a key served at the last look
      1  no key served at the last look
      2  a URI or an option is wrong
    """
    chain = chain_of(uris)
    last: Sample | None = None
    options = {} if ttl is None else {"ttl": ttl}
    with quiet(), chain.open(**options) as credentials, contextlib.suppress(KeyboardInterrupt):
        watched = Watched(credentials)
        with waiting(f"Asking {counted(chain.providers)}"):
            last = watched.look()
        with _view(as_json=as_json) as show:
            show(last)
            for _ in itertools.repeat(None) if count is None else range(count - 1):
                time.sleep(interval)
                last = watched.look()
                show(last)
    raise click.exceptions.Exit(OK if last and last.status.fingerprint else BAD)


class Watched:
    """Takes samples of a chain, and finds the changes between two samples.

    Args:
        credentials: The chain.
    """

    def __init__(self, credentials: CredentialProvider) -> None:
        self._credentials = credentials
        self._before: Status | None = None

    def look(self) -> Sample:
        """Ask for the key as an application does, and return the state of the chain."""
        with contextlib.suppress(CredentialsError):
            know(self._credentials.get())
        status = self._credentials.status()
        happened = tuple(_changes(self._before, status))
        self._before = status
        return Sample(datetime.now().astimezone(), status, happened)


def _changes(before: Status | None, now: Status) -> list[str]:
    changes = []
    old = before.fingerprint if before else None
    if now.fingerprint and now.fingerprint != old:
        after = f"rotated: {old} is followed by" if old else "serving"
        version = f", version {short(now.version)}" if now.version else ""
        changes.append(f"{after} {now.fingerprint} from {now.provider}{version}")
    if old and not now.fingerprint:
        changes.append("no link has a key any more")
    for number, link in enumerate(now.links):
        was = before.links[number].outcome if before else "unasked"
        if link.outcome != was and link.outcome in ("broken", "rejected", "absent"):
            changes.append(f"{link.provider} is {link.outcome}: {bare(link.provider, link.reason)}")
        elif was == "broken" and link.outcome == "serving":
            changes.append(f"{link.provider} has recovered")
    return changes


# The views


@contextlib.contextmanager
def _view(*, as_json: bool) -> Any:
    """A function that shows one sample: as a line of JSON, as lines of text, or on a screen that is drawn again."""
    if as_json:
        yield lambda sample: emit(sample.document(), line=True)
        return
    printer = Printer()
    if not printer.live:
        echo(_HEAD)
        yield _print
        return
    with ExitStack() as exits:
        yield _screen(printer, exits)


def _print(sample: Sample) -> None:
    status = sample.status
    row = (
        f"{sample.at:%H:%M:%S}  {status.state:<9}  {status.fingerprint or '-':<8}  {(status.version or '-')[:8]:<8}  "
        f"{_in(status.next_refresh):>8}  {status.counters['rotations']:>9}  {status.counters['failures']:>8}"
    )
    echo(row)
    for text in sample.happened:
        echo(f"          {scrubbed(text)}")


def _screen(printer: Printer, exits: ExitStack) -> Callable[[Sample], None]:
    from rich.live import Live

    events: deque[str] = deque(maxlen=MOST_EVENTS)
    live = exits.enter_context(Live(console=printer.console, auto_refresh=False))

    def show(sample: Sample) -> None:
        events.extend(f"{sample.at:%H:%M:%S}  {text}" for text in sample.happened)
        live.update(picture(sample, events), refresh=True)

    return show


def picture(sample: Sample, events: deque[str]) -> RenderableType:
    """The screen for one sample, for a terminal of at least 80 columns and 24 rows."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    status, counters = sample.status, sample.status.counters
    facts = Table.grid(padding=(0, 2))
    for name, value in (
        ("state", status.state),
        ("key", status.fingerprint or "none"),
        ("from", ", version ".join(filter(None, (status.provider, short(status.version or "")))) or "-"),
        ("age", "-" if status.age is None else for_a_while(status.age)),
        ("next refresh", _in(status.next_refresh)),
        ("rotations", str(counters["rotations"])),
        ("fetches", f"{counters['fetches']}, failed {counters['failures']}"),
    ):
        facts.add_row(Text(name, style="dim"), Text(scrubbed(value)))
    links = Table.grid(padding=(0, 2))
    for link in status.links:
        links.add_row(Text(link.outcome, style=COLOURS.get(link.outcome, "dim")), Text(scrubbed(link.provider)))
    past = [Text(scrubbed(text), no_wrap=True, overflow="ellipsis") for text in events]
    head = Text(f"{sample.at:%H:%M:%S}   press Ctrl-C to end", style="dim")
    return Group(head, Text(), facts, Text(), links, Text(), *past)


def _in(seconds: float | None) -> str:
    return "-" if seconds is None else "now" if seconds <= 0 else for_a_while(seconds)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
