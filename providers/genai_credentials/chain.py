"""`ProviderChain`: providers in order of preference, with the last outcome of each."""

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
"""The limit of `fetch_timeout` in seconds: locks and clients of stores cannot wait for math.inf."""

MOST_ABANDONED = 2
"""The number of abandoned calls that a link may have. One further call may run beside them."""

FIRST_SHARE = 0.4
"""The part of `fetch_timeout` that the first call of a link in a forked child gets. A second call gets the rest."""

Ask: TypeAlias = Callable[[ApiKey | None], object]


class Link:
    """One provider of a chain, with its last outcome and its abandoned calls."""

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
        """The number of abandoned calls that still run."""
        return min(MOST_ABANDONED, len(self._still_hanging()))

    def fetch(self, rejected: ApiKey | None, timeout: float) -> ApiKey:
        """Call the provider in a worker thread, and return its key.

        Args:
            rejected: The key that the API has refused; None if no key was refused.
            timeout: The longest wait in seconds. A call that takes longer is abandoned.

        Raises:
            Unavailable: The provider is absent.
            FetchFailed: The provider is broken, or did not answer in time.
        """
        key = self._ask(self.provider.fetch, rejected, timeout)
        self.last = Attempt(self.name, "serving")
        return key

    def fetch_newer(self, current: ApiKey | None, timeout: float) -> ApiKey:
        """Ask the provider for a key newer than `current`, without any cache of the store.

        If the provider has no method for this, it is a plain `fetch`. Raises like `fetch`.

        Args:
            current: The key of this link, if it serves; None if another link serves, or none.
            timeout: The longest wait in seconds.
        """
        ask = getattr(self.provider, "fetch_newer", None)
        if ask is None:
            return self.fetch(None, timeout)
        key = self._ask(ask, current, timeout)
        self.last = Attempt(self.name, "serving")
        return key

    def fetch_previous(self, rejected: ApiKey, timeout: float) -> ApiKey | None:
        """Ask the provider for the version before `rejected`. Raises like `fetch`.

        Returns:
            That key; None if the store keeps no versions.
        """
        ask = getattr(self.provider, "fetch_previous", None)
        return None if ask is None else self._ask(ask, rejected, timeout)

    def _ask(self, ask: Ask, rejected: ApiKey | None, timeout: float) -> ApiKey:
        timeout = min(timeout, LONGEST_FETCH)
        if len(self._still_hanging()) > MOST_ABANDONED or time.monotonic() < self._next_at:
            raise _Hangs(self.name, timeout)
        if self._in_new_child:
            self._in_new_child = False
            # The fork may have left a library in a state in which this call hangs. Then there is time for a second one.
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
            # Without its frames: their local variables may hold the secret, and error reporters send those.
            raise error.with_traceback(None) from error.__cause__
        except BaseException as error:
            if job.future.done() or isinstance(error, NoThread):
                raise foreign(self.name, error) from error
            self._abandon(job, timeout)
            if not isinstance(error, FutureTimeout):
                raise
        raise _Hangs(self.name, timeout)

    def _abandon(self, job: Job[ApiKey], timeout: float) -> None:
        """Give up a call that hangs. The next call uses a new client, and starts after a pause.

        The pause is `timeout` times the number of calls that already hung before this one.
        """
        job.abandon()
        self._hanging = [*self._still_hanging(), job]
        self._next_at = time.monotonic() + timeout * (len(self._hanging) - 1)
        if (reconnect := getattr(self.provider, "reconnect", None)) is not None:
            reconnect()

    def _still_hanging(self) -> list[Job[ApiKey]]:
        return [job for job in self._hanging if not job.future.done()]

    def failed(self, error: CredentialsError) -> bool:
        """Note an error of the link. Return whether to log a warning.

        There is one warning per outage, and none for a link that was absent from the start.
        """
        before = self.last.outcome
        absent = isinstance(error, Unavailable)
        self.last = Attempt(self.name, "absent" if absent else "broken", error)
        return before == "serving" if absent else before != "broken"

    def passed_over(self, key: ApiKey) -> None:
        """Note that the key of this link is in quarantine."""
        error = CredentialsError(f"the API refused its key {key.fingerprint}.", remedy="Store a valid key there.")
        self.last = Attempt(self.name, "rejected", error)

    def after_fork_in_child(self) -> None:
        """Forget the running calls: their threads do not exist in the child."""
        self._hanging, self._next_at, self._in_new_child = [], -math.inf, True


class _Hangs(FetchFailed):
    """A call took too long, or was not made because too many calls hang."""

    def __init__(self, name: str, timeout: float) -> None:
        super().__init__(
            f"{name}: no answer within fetch_timeout={timeout:g} s.",
            remedy="Check the network to the store. The next fetch uses a new connection, after a growing pause.",
        )

    def __reduce__(self) -> tuple[object, ...]:
        return FetchFailed, (self.message,), {"remedy": self.remedy}


def foreign(name: str, error: BaseException) -> FetchFailed:
    """Return the error for an exception of a provider that is no `CredentialsError`."""
    if isinstance(error, NoThread):
        return FetchFailed(f"{name}: {error.problem}.", remedy=error.remedy)
    if is_patched_late(error):
        return FetchFailed(f"{name}: {PATCHED_LATE.problem}.", remedy=PATCHED_LATE.remedy)
    return FetchFailed(
        f"{name}: the provider raised {described(error)}.",
        remedy="Correct the cause at that line, or make the provider raise FetchFailed with its own remedy.",
    )


def links_of(things: Iterable[object]) -> tuple[Link, ...]:
    """Make links of providers, callables and chains, in order. A chain contributes each of its links.

    Raises:
        ConfigurationError: There is no element, or an element is no provider.
    """
    links: list[Link] = []
    for thing in things:
        inside = [link.provider for link in thing.links] if isinstance(thing, ProviderChain) else [as_provider(thing)]
        links += map(Link, inside)
    if not links:
        raise ConfigurationError("A chain needs at least one provider.", remedy="Pass a provider, such as Env().")
    return tuple(links)


class ProviderChain(OfThisProcess):
    """Providers in order of preference. A chain is a provider too: it returns the first key that was not refused.

    Args:
        providers: Providers, callables that return a key, or other chains.

    Raises:
        ConfigurationError: There is no provider, or an argument is no provider.

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
        """Return the first key that is not `rejected`. If there is no other key, return the refused key again.

        Args:
            rejected: The key that the API has refused; None if no key was refused.

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
    """Note an error of a link. Log one warning per outage, if the link is broken or became absent after it served."""
    if link.failed(error):
        logger.warning("%s", link.last, extra={"event": "link_broken", "provider": link.name})
