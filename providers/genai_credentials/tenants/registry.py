"""`Registry`: the open providers, the leases on them, and the tenants that are known not to exist."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from functools import partial

from cachetools import LRUCache, TTLCache

from genai_credentials import forks
from genai_credentials.credentials import CredentialProvider
from genai_credentials.flight import Landing
from genai_credentials.log import logger, tagged
from genai_credentials.workers import Job, NoThread, run, submit


class Entry:
    """A tenant's provider, its leases and its use.

    Args:
        name: The tenant's name.
        provider: The tenant's provider.
    """

    __slots__ = ("engine", "leases", "leaving", "name", "proven", "provider", "requests", "used_at")

    def __init__(self, name: str, provider: CredentialProvider) -> None:
        self.name, self.provider, self.engine = name, provider, provider.engine
        self.leases = self.requests = 0
        self.used_at = 0.0
        self.proven = self.leaving = False


class Registry(forks.Forkable):
    """The open providers by the names of their tenants.

    A tenant whose store has returned a key has one of `most` places. The other tenants have as many places of their
    own, so invented names take no place from real tenants. No lock of an engine is taken while the lock of this object
    is held.

    Args:
        most: How many providers are kept.
        idle: Seconds after which an unused provider is closed; math.inf means never.
        unknown_for: Seconds for which a tenant is remembered as unknown.
        clock: Returns seconds that only grow.
    """

    def __init__(self, most: int, idle: float, unknown_for: float, clock: Callable[[], float]) -> None:
        self._most, self._idle, self._unknown_for, self._clock = most, idle, unknown_for, clock
        self._lock = forks.Lock()
        self.closed = False
        self._over = Landing()
        self.after_fork_in_child()
        forks.watch(self)
        weakref.finalize(self, _land, self._over)

    def after_fork_in_child(self) -> None:
        """Drop the parent's providers: each process opens its own."""
        self._proven: LRUCache[str, Entry] = LRUCache(self._most)
        self._unproven: LRUCache[str, Entry] = LRUCache(self._most)
        self._leaving: dict[str, Entry] = {}
        self._unknown: TTLCache[str, str] = TTLCache(max(1_000, self._most), self._unknown_for, self._clock)
        self._watched = False

    # Leases

    def lease(self, name: str) -> Entry | None:
        """The tenant's entry, which stays open until it is released; None if there is none."""
        with self._lock:
            try:
                entry: Entry | None = self._proven[name]
            except KeyError:
                entry = self._unproven.get(name) or self._come_back(name)
            if entry is None:
                return None
            entry.leases += 1
            entry.requests += 1
        return entry

    def release(self, entry: Entry) -> None:
        """End a lease. The last lease of an entry that is leaving closes its provider."""
        ended: list[Entry] = []
        with self._lock:
            entry.leases -= 1
            entry.used_at = self._clock()
            if not entry.proven and entry.engine.keystate.serving.key is not None:
                ended = self._prove(entry)
            if entry.leaving and not entry.leases:
                self._forget_leaving(entry)
                ended.append(entry)
        if ended:
            _close_all(ended)

    def add(self, entry: Entry) -> bool:
        """Keep a new entry. Returns False if nothing is kept any more, because the tenants are closed."""
        with self._lock:
            if self.closed:
                return False
            entry.used_at = self._clock()
            ended = self._room_in(self._unproven)
            self._unproven[entry.name] = entry
            watch, self._watched = not self._watched, True
        _close_all(ended)
        if watch:
            self._watch()
        return True

    def drop(self, entry: Entry) -> None:
        """Remove an entry. Its provider is closed with its last lease."""
        with self._lock:
            for kept in (self._proven, self._unproven):
                if kept.get(entry.name) is entry:
                    del kept[entry.name]
            entry.leaving = True
            ended = [] if entry.leases else [entry]
        _close_all(ended)

    def close(self) -> list[CredentialProvider]:
        """Remove all entries and accept no new ones. Returns the unused providers, which the caller must close."""
        with self._lock:
            self.closed = True
            entries = [*self._proven.values(), *self._unproven.values()]
            self._proven.clear()
            self._unproven.clear()
            ended = [gone for entry in entries for gone in self._leave(entry)]
        _land(self._over)
        return [entry.provider for entry in ended]

    def _prove(self, entry: Entry) -> list[Entry]:
        entry.proven = True
        if self._unproven.get(entry.name) is not entry:
            return []
        del self._unproven[entry.name]
        ended = self._room_in(self._proven)
        self._proven[entry.name] = entry
        return ended

    def _room_in(self, kept: LRUCache[str, Entry]) -> list[Entry]:
        ended: list[Entry] = []
        while len(kept) >= kept.maxsize:
            ended += self._leave(kept.popitem()[1])
        return ended

    def _leave(self, entry: Entry) -> list[Entry]:
        entry.leaving = True
        if not entry.leases:
            self._forget_leaving(entry)
            return [entry]
        self._leaving[entry.name] = entry
        return []

    def _forget_leaving(self, entry: Entry) -> None:
        if self._leaving.get(entry.name) is entry:
            del self._leaving[entry.name]

    def _come_back(self, name: str) -> Entry | None:
        """An entry that had to make room and is still in use. A new provider would have to fetch the key again."""
        return None if self.closed else self._leaving.get(name)

    # Tenants that don't exist

    def note_unknown(self, name: str, why: str) -> None:
        """Remember for `unknown_for` seconds that there is no such tenant.

        Args:
            name: The tenant's name.
            why: The message of the error for the next requests.
        """
        with self._lock:
            self._unknown[name] = why

    def why_unknown(self, name: str) -> str | None:
        """The message of the error for an unknown tenant; None if the tenant is not remembered as unknown."""
        with self._lock:
            return self._unknown.get(name)

    # Idle providers

    def sweep(self) -> float | None:
        """Close the providers that have been unused for `idle` seconds.

        Returns:
            Seconds until the next provider is due; None when nothing is kept.
        """
        with self._lock:
            ended: list[Entry] = []
            oldest, now = self._clock(), self._clock()
            for kept in (self._proven, self._unproven):
                for entry in list(kept.values()):
                    if not entry.leases and now - entry.used_at >= self._idle:
                        del kept[entry.name]
                        ended += self._leave(entry)
                    elif not entry.leases:
                        oldest = min(oldest, entry.used_at)
            self._watched = bool(self._proven or self._unproven)
            pause = oldest + self._idle - now if self._watched else None
        _close_all(ended)
        return pause

    def _watch(self) -> None:
        try:
            submit(Job(partial(_sweep_until, self._over, weakref.ref(self)), "genai-credentials-idle"))
        except NoThread:
            self._watched = False

    # Contents

    def counts(self) -> tuple[int, int]:
        """How many providers of proven tenants are kept, and how many tenants are known not to exist."""
        with self._lock:
            self._unknown.expire()
            return len(self._proven), len(self._unknown)

    def __iter__(self) -> Iterator[Entry]:
        with self._lock:
            return iter([*self._proven.values(), *self._unproven.values()])


def _land(over: Landing) -> None:
    if not over.landed:
        over.land()


def _sweep_until(over: Landing, ref: weakref.ref[Registry]) -> None:
    forks.stand_aside()
    while (registry := ref()) is not None and not over.landed:
        pause = registry.sweep()
        del registry
        if pause is None:
            return
        over.wait(pause)


def _close_all(entries: list[Entry]) -> None:
    """Close each provider in a thread of its own, because the client of its store may need some time."""
    for entry in entries:
        run(partial(_close, entry), "genai-credentials-close")


def _close(entry: Entry) -> None:
    try:
        entry.provider.close()
    except Exception as error:
        with tagged(entry.engine.tenant):
            logger.warning("A provider raised %s when it was closed.", type(error).__name__)
