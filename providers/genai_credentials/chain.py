"""`ProviderChain`: providers in order of preference, and what each of them answered."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from contextvars import copy_context
from typing import TypeAlias

from genai_credentials.adapter import as_provider, checked
from genai_credentials.deadline import DEFAULT_FETCH_TIMEOUT, set_deadline
from genai_credentials.errors import (
    Attempt,
    ConfigurationError,
    CredentialsError,
    FetchFailed,
    NoCredentials,
    Unavailable,
)
from genai_credentials.key import ApiKey
from genai_credentials.log import logger
from genai_credentials.provider import AnyProvider, Provider
from genai_credentials.sealing import OfThisProcess, sealed_call
from genai_credentials.troubles import PATCHED_LATE, described, is_patched_late
from genai_credentials.workers import Job, NoThread, submit

LONGEST_FETCH = 86_400.0
"""Seconds that any fetch may take: no lock and no store's client waits for ever (math.inf)."""

MOST_ABANDONED = 2
"""How many calls of a link may hang with nobody waiting for them; one more may run."""

FIRST_SHARE = 0.4
"""The part of `fetch_timeout` for a forked child's first call."""

Ask: TypeAlias = Callable[[ApiKey | None], object]


class Link:
    """One provider of a chain, with its last answer and the calls that hang."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.name = provider.name
        self.calls = 0
        self.last = Attempt(self.name, "unasked")
        self._hanging: list[Job[ApiKey]] = []
        self._next_at = -math.inf
        self._in_new_child = False

    @property
    def abandoned(self) -> int:
        """How many calls hang that nobody waits for any more."""
        return min(MOST_ABANDONED, len(self._still_hanging()))

    def fetch(self, rejected: ApiKey | None, timeout: float) -> ApiKey:
        """Ask the provider, in a thread of its own.

        Args:
            rejected: The key that the API has refused; None when none was.
            timeout: How long to wait, in seconds. A call that takes longer is abandoned.

        Raises:
            Unavailable: The provider is absent.
            FetchFailed: It is broken, or did not answer in time.
        """
        key = self._ask(self.provider.fetch, rejected, timeout)
        self.last = Attempt(self.name, "serving")
        return key

    def fetch_newer(self, current: ApiKey | None, timeout: float) -> ApiKey:
        """Ask for something newer than `current`, past every cache; a plain fetch where the provider has no way to.

        Args:
            current: The key of this link that is served; None where another link serves, or none.
            timeout: As for `fetch`. Raises like it.
        """
        ask = getattr(self.provider, "fetch_newer", None)
        if ask is None:
            return self.fetch(None, timeout)
        key = self._ask(ask, current, timeout)
        self.last = Attempt(self.name, "serving")
        return key

    def fetch_previous(self, rejected: ApiKey, timeout: float) -> ApiKey | None:
        """Ask the provider for the version before `rejected`; None when it keeps no versions. Raises like `fetch`."""
        ask = getattr(self.provider, "fetch_previous", None)
        return None if ask is None else self._ask(ask, rejected, timeout)

    def _ask(self, ask: Ask, rejected: ApiKey | None, timeout: float) -> ApiKey:
        timeout = min(timeout, LONGEST_FETCH)
        if len(self._still_hanging()) > MOST_ABANDONED or time.monotonic() < self._next_at:
            raise _Hangs(self.name, timeout)
        if self._in_new_child:
            self._in_new_child = False
            # What the fork left of the parent's libraries may hang this call: then there is time for another.
            with suppress(_Hangs):
                return self._call(ask, rejected, timeout * FIRST_SHARE, timeout)
            timeout *= 1 - FIRST_SHARE
        return self._call(ask, rejected, timeout, timeout)

    def _call(self, ask: Ask, rejected: ApiKey | None, timeout: float, in_all: float) -> ApiKey:
        def call() -> ApiKey:
            set_deadline(timeout, in_all)
            return checked(ask(rejected), self.provider)

        self.calls += 1
        job = Job(call, f"genai-credentials-{self.name}", copy_context())
        try:
            return submit(job).result(timeout)
        except CredentialsError as error:
            # Without its frames: a provider's locals may hold the secret, and reporters send locals along.
            raise error.with_traceback(None) from error.__cause__
        except BaseException as error:
            if job.future.done() or isinstance(error, NoThread):
                raise foreign(self.name, error) from error
            self._abandon(job, timeout)
            if not isinstance(error, FutureTimeout):
                raise
        raise _Hangs(self.name, timeout)

    def _abandon(self, job: Job[ApiKey], timeout: float) -> None:
        """Let a call go that hangs; the next one has a client of its own, and comes after a pause that grows."""
        job.abandon()
        self._hanging = [*self._still_hanging(), job]
        self._next_at = time.monotonic() + timeout * (len(self._hanging) - 1)
        if (reconnect := getattr(self.provider, "reconnect", None)) is not None:
            reconnect()

    def _still_hanging(self) -> list[Job[ApiKey]]:
        return [job for job in self._hanging if not job.future.done()]

    def failed(self, error: CredentialsError) -> bool:
        """Note an error; True when it is to be warned of: once an outage, and not of a link that never was there."""
        before = self.last.outcome
        absent = isinstance(error, Unavailable)
        self.last = Attempt(self.name, "absent" if absent else "broken", error)
        return before == "serving" if absent else before != "broken"

    def passed_over(self, key: ApiKey) -> None:
        """Note that the link's key is in quarantine."""
        error = CredentialsError(f"the API refused its key {key.fingerprint}.", remedy="Store a live key there.")
        self.last = Attempt(self.name, "rejected", error)

    def after_fork_in_child(self) -> None:
        """Forget the running calls: their threads do not exist here."""
        self._hanging, self._next_at, self._in_new_child = [], -math.inf, True


class _Hangs(FetchFailed):
    """A call that takes too long, or that is not made, since too many of its kind do."""

    def __init__(self, name: str, timeout: float) -> None:
        super().__init__(
            f"{name}: no answer within fetch_timeout={timeout:g} s.",
            remedy="Check the way to the store; it is asked again with a new connection, after a pause that grows.",
        )

    def __reduce__(self) -> tuple[object, ...]:
        return FetchFailed, (self.message,), {"remedy": self.remedy}


def foreign(name: str, error: BaseException) -> FetchFailed:
    """The error for something that a provider raised and that is none of ours."""
    if isinstance(error, NoThread):
        return FetchFailed(f"{name}: {error.problem}.", remedy=error.remedy)
    if is_patched_late(error):
        return FetchFailed(f"{name}: {PATCHED_LATE.problem}.", remedy=PATCHED_LATE.remedy)
    return FetchFailed(
        f"{name}: the provider raised {described(error)}.",
        remedy="Mend what that line asks for; or have the provider raise FetchFailed, with a remedy of its own.",
    )


def links_of(things: Iterable[object]) -> tuple[Link, ...]:
    """The links that providers, callables and chains make, in order and with chains unrolled.

    Raises:
        ConfigurationError: There is none, or something is no provider.
    """
    links: list[Link] = []
    for thing in things:
        inside = [link.provider for link in thing.links] if isinstance(thing, ProviderChain) else [as_provider(thing)]
        links += map(Link, inside)
    if not links:
        raise ConfigurationError("A chain needs at least one provider.", remedy="For the environment, pass Env().")
    return tuple(links)


class ProviderChain(OfThisProcess):
    """Providers in order of preference; itself a provider, which serves the first key that was not refused.

    Args:
        providers: Providers, callables that return a key, or other chains.

    Raises:
        ConfigurationError: There is none, or something is no provider.

    Examples:
        >>> chain = ProviderChain(lambda: "AIzaExample")
        >>> chain.fetch()
        <ApiKey f6f4944b from callable:<lambda>>
    """

    @sealed_call
    def __init__(self, *providers: AnyProvider) -> None:
        self.links = links_of(providers)
        self.name = f"chain({', '.join(link.name for link in self.links)})"

    def fetch(self, rejected: ApiKey | None = None) -> ApiKey:
        """The first key that is not `rejected`; the refused one again when there is no other.

        Raises:
            NoCredentials: No provider has a key.
        """
        refused: ApiKey | None = None
        for link in self.links:
            try:
                key = link.fetch(rejected, DEFAULT_FETCH_TIMEOUT)
            except CredentialsError as error:
                note(link, error)
                continue
            if key != rejected:
                return key
            refused = refused or key
        if refused is not None:
            return refused
        raise NoCredentials(attempts=[link.last for link in self.links])

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), tuple(link.provider for link in self.links)

    def __repr__(self) -> str:
        return f"<ProviderChain {', '.join(link.name for link in self.links)}>"


def note(link: Link, error: CredentialsError) -> None:
    """Keep a link's failure, and warn once per outage if the link is broken, or gone after it served."""
    if link.failed(error):
        logger.warning("%s", link.last, extra={"event": "link_broken", "provider": link.name})
