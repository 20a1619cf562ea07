"""`Status`: the state of a `CredentialProvider` at one moment, without secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Never

from genai_credentials.errors import Attempt
from genai_credentials.tables import Table

if TYPE_CHECKING:
    from genai_credentials.engine import Engine

COUNTERS = ("fetches", "failures", "rejections", "rotations", "fallbacks", "paroles", "replays", "notifications")


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """The state of one link of the chain.

    `provider` is the name of the link. `outcome` is "serving", "absent", "broken", "rejected" or "unasked", as in
    `Attempt`. `reason` and `remedy` come from the last error; they are empty if there is none. `calls` is the number of
    calls of the provider. `abandoned` is the number of calls that hang, each in its own thread: 0, 1 or 2.
    """

    provider: str
    outcome: str
    reason: str
    remedy: str
    calls: int
    abandoned: int = 0

    @classmethod
    def of(cls, last: Attempt, calls: int, abandoned: int = 0) -> LinkStatus:
        """Make the status of a link from its last outcome and its numbers of calls."""
        reason = last.error.message if last.error else ""
        return cls(last.provider, last.outcome, reason, last.remedy, calls, abandoned)


class Counters(dict[str, int]):
    """A read-only dict. As a dict, it can be copied, pickled and written as JSON with its `Status`."""

    # Type checkers see a Mapping, which has none of these methods.
    if not TYPE_CHECKING:

        def __setitem__(self, *args: object, **options: object) -> Never:
            raise TypeError("a Status is frozen: its counters cannot be changed")

        __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = __setitem__

    def __reduce__(self) -> tuple[object, ...]:
        return Counters, (dict(self),)


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a `CredentialProvider` at one moment. `print` and notebooks show it as a small table.

    `state` is EMPTY, FRESH, STALE, FELL_BACK or REFUSED. `fingerprint`, `provider` and `version` are those of the
    current key. `age` is the number of seconds since that key was fetched. `next_refresh` is the number of seconds
    until the next refresh, or until the fetch for a notification if that comes first; 0 if it is due. These five are
    None if there is no key; `version` is also None if the store has no versions. `links` has one entry per link, in the
    order of the chain. `counters` has numbers since the start: fetches, failures, rejections, rotations, fallbacks,
    paroles, replays, notifications.
    """

    state: str
    fingerprint: str | None
    provider: str | None
    version: str | None
    age: float | None
    next_refresh: float | None
    links: tuple[LinkStatus, ...]
    counters: Mapping[str, int]

    def __post_init__(self) -> None:
        object.__setattr__(self, "counters", Counters(self.counters))

    def __str__(self) -> str:
        return self._table().text()

    def _repr_html_(self) -> str:
        return self._table().html()

    def _table(self) -> Table:
        version = f", version {self.version}" if self.version else ""
        counts = ", ".join(f"{name} {count}" for name, count in self.counters.items() if count)
        facts = [
            ("state", self.state),
            ("key", f"{self.fingerprint} from {self.provider}{version}" if self.fingerprint else "none"),
            ("age", _seconds(self.age)),
            ("next refresh", _seconds(self.next_refresh)),
            ("counters", counts or "all 0"),
        ]
        rows = [(one.provider, one.outcome, one.reason.removeprefix(f"{one.provider}: ")) for one in self.links]
        return Table(facts, ("link", "outcome", "reason"), rows)


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.0f} s"


def status_of(engine: Engine) -> Status:
    """Return the current status of an engine."""
    with engine.lock:
        now, state = engine.clock(), engine.keystate
        key = state.serving.key
        due = None if key is None else max(state.next_refresh_at - now, 0.0)
        return Status(
            state=state.state(now),
            fingerprint=None if key is None else key.fingerprint,
            provider=None if key is None else key.provider,
            version=None if key is None else key.version,
            age=None if key is None else (datetime.now(UTC) - key.fetched_at).total_seconds(),
            next_refresh=due,
            links=tuple(LinkStatus.of(link.last, link.calls, link.abandoned) for link in engine.links),
            counters={name: state.counters[name] for name in COUNTERS},
        )
