"""The output of the demo: a live screen on a terminal, lines in a pipe, or one JSON document."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from genai_credentials.cli.output import echo
from genai_credentials.cli.terminal import console_of, is_live, make_readable
from genai_credentials.cli.waiting import waiting

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

WIDTH = 78
HEADLINE = "One genai.Client and four stores. Each old key is revoked at its rotation."

_STATES = {
    "serving": "serving",
    "rejected": "refused by the API",
    "absent": "no key here",
    "unasked": "not asked yet",
    "broken": "failed",
}
_COLOURS = {"serving": "bold green", "rejected": "red", "broken": "bold red"}


@dataclass(frozen=True, slots=True)
class Rotation:
    """One rotation and its result.

    `fingerprint` and `version` belong to the new key. `version` is None if the store has no versions. `picked_up_ms` is
    None if no request succeeded with that key in time.
    """

    store: str
    action: str
    fingerprint: str
    version: str | None
    picked_up_ms: float | None


@dataclass(frozen=True, slots=True)
class StoreRow:
    """One link of the chain. `outcome` is from its `LinkStatus`. `version` is None if the store has no versions."""

    name: str
    outcome: str
    fingerprint: str
    version: str | None
    serves: bool


@dataclass(slots=True)
class Snapshot:
    """The state at one moment. `happened` has a text for each rotation. `complete`: all rotations are done."""

    stores: tuple[StoreRow, ...] = ()
    succeeded: Mapping[str, int] = field(default_factory=dict)
    failed: int = 0
    fetches: int = 0
    replays: int = 0
    rotations: tuple[Rotation, ...] = ()
    happened: tuple[str, ...] = ()
    seconds: float = 0.0
    complete: bool = False

    @property
    def sent(self) -> int:
        """The number of requests that have ended, with or without an error."""
        return sum(self.succeeded.values()) + self.failed

    @property
    def flawless(self) -> bool:
        """Whether all rotations are done, each new key was picked up, and no request failed."""
        return self.complete and not self.failed


def summary(last: Snapshot) -> str:
    """The last line of the demo."""
    requests = f"{last.sent} requests, {last.failed} failed"
    return f"{len(last.rotations)} rotations, {requests}, in {last.seconds:.1f} s."


def document(last: Snapshot) -> str:
    """The result as a JSON document."""
    return json.dumps(
        {
            "sent": last.sent,
            "failed": last.failed,
            "fetches": last.fetches,
            "rotations": [asdict(rotation) for rotation in last.rotations],
            "seconds": round(last.seconds, 3),
        },
        indent=2,
    )


def picked_up(rotation: Rotation) -> str:
    """The time until the new key served, for people."""
    return "never" if rotation.picked_up_ms is None else f"{rotation.picked_up_ms:.0f} ms"


class View:
    """An object that shows the demo. This class prints one JSON document at the end."""

    def starting(self) -> AbstractContextManager[Any]:
        """Show that the demo starts, while the with statement lasts."""
        return nullcontext()

    def live(self, look: Callable[[], Snapshot]) -> AbstractContextManager[Any]:
        """Show the state while the with statement lasts. `look` returns the state."""
        return nullcontext()

    def rotated(self, rotation: Rotation, text: str, seconds: float) -> None:
        """Show a rotation. `seconds` is the time since the start."""

    def ended(self, last: Snapshot) -> None:
        """Show the result."""
        echo(document(last))


class Lines(View):
    """Prints a line for each rotation, for pipes and logs."""

    def live(self, look: Callable[[], Snapshot]) -> AbstractContextManager[Any]:
        """Print the head."""
        echo(f"{HEADLINE}\n")
        echo(f"{'time':>6}  {'rotation':<42}{'new key':<10}{'version':<10}{'picked up':>9}")
        return nullcontext()

    def rotated(self, rotation: Rotation, text: str, seconds: float) -> None:
        """Print the rotation."""
        version = _short(rotation.version)
        echo(f"{seconds:>4.1f} s  {text:<42}{rotation.fingerprint:<10}{version:<10}{picked_up(rotation):>9}")

    def ended(self, last: Snapshot) -> None:
        """Print the totals."""
        kinds = ", ".join(f"{count} {kind}" for kind, count in last.succeeded.items())
        echo(f"\n{kinds}; {last.replays} refused and sent again; {last.fetches} fetches")
        echo(summary(last))


class Screen(View):
    """Draws the screen of a terminal several times a second.

    Args:
        console: The terminal.
    """

    def __init__(self, console: Console) -> None:
        self._console = console

    def starting(self) -> AbstractContextManager[Any]:
        """Show a spinner."""
        return waiting("Starting an API and the stores on this machine", self._console)

    def live(self, look: Callable[[], Snapshot]) -> AbstractContextManager[Any]:
        """Draw while the with statement lasts. The last screen stays."""
        from rich.live import Live

        return Live(get_renderable=lambda: screen(look()), console=self._console, refresh_per_second=10)

    def ended(self, last: Snapshot) -> None:
        """Print the last line."""
        self._console.print(summary(last), style="bold green" if last.flawless else "bold red", highlight=False)


def view_for(*, as_json: bool, verbose: bool) -> View:
    """The view for the output of this process.

    Args:
        as_json: Whether the output is JSON.
        verbose: Whether a log goes to the same terminal. A live screen and a log would disturb each other.
    """
    if as_json:
        return View()
    make_readable()
    console = console_of(sys.stdout)
    has_room = console.width >= WIDTH
    return Screen(console) if is_live(console) and has_room and not verbose else Lines()


def screen(now: Snapshot) -> RenderableType:
    """The screen for one moment, for a terminal of at least 80 columns and 24 rows."""
    from rich.console import Group
    from rich.text import Text

    return Group(
        Text(HEADLINE, style="dim"),
        Text(),
        _stores(now),
        Text(),
        _counts(now),
        Text(),
        _rotations(now),
    )


def _table(*columns: tuple[str, int, bool]) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=0, pad_edge=False, header_style="dim", width=WIDTH)
    for header, width, right in columns:
        table.add_column(header, width=width, justify="right" if right else "left", no_wrap=True)
    return table


def _stores(now: Snapshot) -> Table:
    table = _table(
        ("", 2, False), ("store", 24, False), ("state", 20, False), ("key", 11, False), ("version", 21, False)
    )
    for row in now.stores:
        state = "serving" if row.serves else _STATES.get(row.outcome, row.outcome)
        style = _COLOURS.get("serving" if row.serves else row.outcome, "dim")
        marker = "▸" if row.serves else ""
        fingerprint = "" if row.outcome == "absent" else row.fingerprint
        table.add_row(marker, row.name, state, fingerprint, _short(row.version), style=style)
    return table


def _counts(now: Snapshot) -> Table:
    table = _table(*((name, 11, True) for name in (*now.succeeded, "requests", "failed", "sent again", "fetches")))
    failed = f"[{'bold red' if now.failed else 'bold green'}]{now.failed:,}[/]"
    kinds = [f"{count:,}" for count in now.succeeded.values()]
    table.add_row(*kinds, f"{now.sent:,}", failed, f"{now.replays:,}", f"{now.fetches:,}")
    return table


def _rotations(now: Snapshot) -> Table:
    table = _table(
        ("", 3, False), ("rotation", 43, False), ("new key", 11, False), ("version", 11, False), ("picked up", 10, True)
    )
    for number, (rotation, text) in enumerate(zip(now.rotations, now.happened, strict=True), 1):
        took = "[bold red]never[/]" if rotation.picked_up_ms is None else f"[green]{picked_up(rotation)}[/]"
        table.add_row(str(number), text, rotation.fingerprint, _short(rotation.version), took)
    return table


def _short(version: str | None) -> str:
    # The versions of AWS are UUIDs. Their first part is enough to distinguish them.
    return (version or "")[:8]
