"""A rotation under load: eight threads send requests while one key dies and another is published."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from . import peers
from .peers import Peer, Reader, Store
from .report import Group, Table
from .servers import Servers

THREADS = 8
OLD, NEW = "AIzaOld", "AIzaNew"
MODEL = "gemini-2.5-flash"
FETCH = 0.05
TTL = 1.0
"""Seconds; the usual 300 s and more would make the others fail as many times longer."""
BEFORE, AFTER, LONGEST = 0.6, 1.0, 5.5

Ask = Callable[[], Any]
"""Sends one request, and raises when it failed."""


class Outcome(NamedTuple):
    """What a rotation cost.

    Args:
        sent: Requests in all.
        failed: Requests that the caller saw fail.
        window: Seconds from the first failure to the last.
        longest: The longest request of those under way at the rotation or after it, in seconds.
        usual: The median of a request's time before the rotation, in seconds.
        replay: Its 99th percentile.
        fetch: The longest fetch, in seconds.
        calls: How often the store was asked after the rotation.
    """

    sent: int
    failed: int
    window: float
    longest: float
    usual: float
    replay: float
    fetch: float
    calls: int


def run(*, smoke: bool) -> Group:
    """Measure."""
    group = Group("rotation", "A rotation", skipped=peers.missing())
    found: dict[str, Outcome] = {}
    for name, make in _contestants(smoke).items():
        found[name] = _rotate(make, *((0.05, 0.1, 0.2) if smoke else (BEFORE, AFTER, LONGEST)))
    again = [] if smoke else [_rotate(_ours, BEFORE, AFTER, LONGEST) for _ in range(4)]
    runs = sorted([found[peers.OURS.name], *again], key=lambda of: of.longest - of.usual)
    ours = found[peers.OURS.name] = runs[len(runs) // 2]
    failed, sent = sum(of.failed for of in runs), sum(of.sent for of in runs)
    group.reach(f"requests failed, {THREADS} threads", "0", f"{failed} of {sent:,}", failed == 0)
    stall, limit = ours.longest - ours.usual, ours.fetch + ours.replay
    text = f"{_ms(stall)} of {_ms(limit)} (fetch {_ms(ours.fetch)}, replay {_ms(ours.replay)})"
    group.reach("longest stall", "<= one fetch + one replay", text, stall <= limit)
    rows = [
        [name, f"{of.sent:,}", f"{of.failed:,}", f"{of.window:.2f} s", _ms(of.longest), str(of.calls)]
        for name, of in found.items()
    ]
    heads = ["client", "requests", "failed", "failed for", "longest request", "calls of the store after it"]
    title = f"{THREADS} threads; the API refuses the old key from the moment in which the new key is stored"
    group.tables = [Table(title, heads, rows)]
    group.series = {name: {"failed": of.failed, "longest": of.longest} for name, of in found.items()}
    group.notes += [
        f"A call of the store takes {FETCH * 1e3:.0f} ms. Cached keys live {TTL:g} s here. With the usual 300 s, the "
        f"cached clients fail for {300 / TTL:g} times as long. gcp-secretmanager-cache allows no life under 30 s.",
        f"genai-credentials is the median of {len(runs)} runs. The others ran once each.",
        "The stall is the longest request minus a median request. The time of a replay is the 99th percentile of "
        "requests before the rotation.",
        'The other packages are used as their READMEs say. "cached" asks for the key before each request, and keeps a '
        'client for each key. "renews" also catches the refusal, renews as the README says, and sends once more.',
    ]
    return group


def _contestants(smoke: bool) -> dict[str, Callable[[str, Store], Ask]]:
    found: dict[str, Callable[[str, Store], Ask]] = {
        peers.OURS.name: _ours,
        "stock, rebuilt on a timer": _on_timer,
        "stock, try / except / rebuild": _on_refusal,
    }
    for peer in peers.present():
        if smoke and peer.naps:
            continue
        found[f"{peer.name}, cached"] = lambda url, store, peer=peer: _cached(url, peer.make(store, TTL))
        found[f"{peer.name}, renews"] = lambda url, store, peer=peer: _renewing(url, peer, store)
    return found


# The contestants


def _client(url: str, key: str) -> Any:
    from google import genai

    return genai.Client(vertexai=False, api_key=key, http_options={"base_url": url})


def _send(client: Any) -> None:
    client.models.generate_content(model=MODEL, contents="Hello")


def _ours(url: str, store: Store) -> Ask:
    from genai_credentials import CredentialProvider

    client = CredentialProvider(store.read).client(http_options={"base_url": url})
    return lambda: _send(client)


def _on_timer(url: str, store: Store) -> Ask:
    lock, client, until = threading.Lock(), _client(url, store.read()), time.monotonic() + TTL

    def ask() -> None:
        nonlocal client, until
        if time.monotonic() >= until:
            with lock:
                if time.monotonic() >= until:
                    client, until = _client(url, store.read()), time.monotonic() + TTL
        _send(client)

    return ask


def _on_refusal(url: str, store: Store) -> Ask:
    client = _client(url, store.read())

    def ask() -> None:
        nonlocal client
        try:
            _send(client)
        except Exception as error:
            if not _is_refusal(error):
                raise
            client = _client(url, store.read())
            _send(client)

    return ask


def _cached(url: str, reader: Reader) -> Ask:
    client_of = cache(lambda key: _client(url, key))
    return lambda: _send(client_of(reader.get()))


def _renewing(url: str, peer: Peer, store: Store) -> Ask:
    reader, client_of = peer.make(store, TTL), cache(lambda key: _client(url, key))

    def ask() -> None:
        key = reader.get()
        try:
            _send(client_of(key))
        except Exception as error:
            if not _is_refusal(error):
                raise
            _send(client_of(reader.renew(key)))

    return ask


def _is_refusal(error: Exception) -> bool:
    return "API_KEY_INVALID" in str(error)


# The load


class _Load:
    """Requests without end from eight threads."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._stop = threading.Event()
        self.done: list[tuple[float, float, bool]] = []
        self.threads = [threading.Thread(target=self._work, daemon=True) for _ in range(THREADS)]

    def _work(self) -> None:
        while not self._stop.is_set():
            began = time.perf_counter()
            try:
                self._ask()
                good = True
            except Exception as error:
                if not _is_refusal(error):
                    raise
                good = False
                time.sleep(0.005)
            self.done.append((began, time.perf_counter(), good))

    def stop(self) -> None:
        self._stop.set()
        for thread in self.threads:
            thread.join()


def _rotate(make: Callable[[str, Store], Ask], before: float, after: float, longest: float) -> Outcome:
    store = Store(OLD)
    with Servers(OLD) as servers:
        ask = make(servers.where["one"], store)
        ask()
        load = _Load(ask)
        for thread in load.threads:
            thread.start()
        time.sleep(before)
        store.delay, store.calls, store.longest = FETCH, 0, 0.0
        store.value = NEW
        servers.ask("rotate", OLD, NEW)
        at = time.perf_counter()
        time.sleep(after)
        _settle(load, at + longest)
        calls = store.calls
        load.stop()
        return _outcome(load.done, at, store.longest, calls)


def _settle(load: _Load, until: float) -> None:
    """Wait for those that take a nap first: until the last requests were all good."""
    while time.perf_counter() < until:
        late = [good for _, _, good in list(load.done)]
        if late[-THREADS:] and all(late[-THREADS:]):
            return
        time.sleep(0.05)


def _outcome(done: list[tuple[float, float, bool]], at: float, fetch: float, calls: int) -> Outcome:
    early = [ended - began for began, ended, _ in done if ended <= at]
    late = [(began, ended, good) for began, ended, good in done if ended > at]
    failed = [ended for _, ended, good in done if not good]
    replay = statistics.quantiles(early, n=100)[98] if len(early) > 2 else 1.0
    window = max(failed) - min(failed) if failed else 0.0
    longest, usual = max(ended - began for began, ended, _ in late), statistics.median(early) if early else 0.0
    return Outcome(len(done), len(failed), window, longest, usual, replay, fetch, calls)


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:,.0f} ms"
