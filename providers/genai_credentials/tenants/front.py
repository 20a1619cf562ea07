"""`Tenants`: many keys in one process, one per tenant."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any

from genai_credentials.adapter import is_coroutine_function
from genai_credentials.client_factory import HttpFactory
from genai_credentials.closing import ClosedByBlock
from genai_credentials.credentials import CredentialProvider
from genai_credentials.diagnosis import Diagnosis
from genai_credentials.errors import ConfigurationError
from genai_credentials.flight import Steps, drive
from genai_credentials.forks import at_work
from genai_credentials.sealing import OfThisProcess, sealed_call
from genai_credentials.tenants.current import Current, Use
from genai_credentials.tenants.gate import Gate
from genai_credentials.tenants.kept import Entry, Kept
from genai_credentials.tenants.names import checked, escaped, placeholder_of
from genai_credentials.tenants.opening import Openings

if TYPE_CHECKING:
    from google import genai

    from genai_credentials.client.thin import ThinClients
    from genai_credentials.tenants.engines import TenantEngines
    from genai_credentials.tenants.status import TenantsStatus

BUSIEST = 10


class Tenants(HttpFactory, OfThisProcess, ClosedByBlock):
    """A `CredentialProvider` per tenant, made on first use, and stock clients that share their connections.

    Each tenant has its own chain, cache, rotation and replay, and no request ever gets another tenant's key. There is
    no default tenant. A tenant is unknown when the factory says so, when every link of its chain is absent, or when
    the store has no such secret; its requests then raise `UnknownTenant`, before anything is sent.

    Args:
        factory: Called with a tenant's name, off the event loop; returns a new `CredentialProvider`. It returns None,
            or raises `LookupError` or `Unavailable`, for a tenant that doesn't exist.
        max_size: How many providers are kept; the least recently used goes first. One that serves a request is closed
            after it.
        idle: Seconds after which a provider that nobody uses is closed; math.inf for never.
        unknown_for: Seconds that a tenant is remembered to be unknown.
        max_fetches: How many fetches run at once, for all tenants together; the others queue. Tenants whose store has
            never served, or hangs, get at most half of them.
        clock: Seconds that only grow; for tests.

    Raises:
        ConfigurationError: The factory cannot be one, or a number makes no sense.
    """

    def __init__(
        self,
        factory: Callable[[str], CredentialProvider | None],
        *,
        max_size: int = 1_000,
        idle: float = 3_600.0,
        unknown_for: float = 60.0,
        max_fetches: int = 32,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        _check_factory(factory)
        _check_counts(max_size=max_size, max_fetches=max_fetches)
        _check_seconds(idle=idle, unknown_for=unknown_for)
        self._gate = Gate(max_fetches)
        self._kept = Kept(max_size, idle, unknown_for, clock)
        self._openings = Openings(factory, self._kept, self._gate)
        self._current = Current()
        self._diagnosis = Diagnosis(clock)

    @sealed_call
    def clients(self, *, verify: bool = False, allow_plain_http: bool = False, **options: Any) -> Clients:
        """Stock clients by tenant, `clients["acme"]`, which share their connections; built once, and kept.

        Args:
            verify: List one model with each client as it is made, and raise a clear error if that fails.
            allow_plain_http: Let keys travel unencrypted to a host that isn't this one.
            options: Every keyword of `genai.Client` but `api_key` and `credentials`.

        Raises:
            ConfigurationError: An option cannot work with a key that is swapped in.
        """
        with at_work():
            from genai_credentials.client.thin import ThinClients

            thin = ThinClients(self._engines(), options, verify=verify, allow_plain_http=allow_plain_http)
        return Clients(thin)

    def __getitem__(self, tenant: str) -> CredentialProvider:
        """The tenant's provider; waits for its first key. It serves until it makes room for others, or is idle.

        Raises:
            UnknownTenant: There is no such tenant.
            ConfigurationError: The name isn't a text of 1 to 512 characters.
        """
        return drive(self._provider_steps(checked(tenant)))

    def _provider_steps(self, name: str) -> Steps[CredentialProvider]:
        engines = self._engines()
        entry: Entry = yield from engines.lease_steps(name, self._kept.lease(name))
        try:
            yield from engines.key_steps(entry)
        finally:
            engines.release(entry)
        return entry.provider

    def use(self, tenant: str) -> AbstractContextManager[None]:
        """A block in which `http_options()` and `httpx_auth()` send this tenant's key.

        For frameworks that own their client. A request counts when it is sent: a stream that is read after the block
        is sent after the block. A client of the tenant, `clients()[tenant]`, has no such trap.

        Args:
            tenant: The tenant's name.

        Raises:
            ConfigurationError: The name isn't one, or the block stands in a generator.
        """
        return Use(self._current, checked(tenant))

    def _engines(self) -> TenantEngines:
        with at_work():
            from genai_credentials.tenants.engines import TenantEngines

        return TenantEngines(self._kept, self._openings, self._current, self._diagnosis)

    # Its life

    def status(self) -> TenantsStatus:
        """How many tenants are kept, unknown and being opened, the fetches under way, and the busiest by name."""
        from genai_credentials.tenants.status import TenantsStatus

        entries = sorted(self._kept, key=lambda entry: -entry.requests)
        kept, unknown = self._kept.counts()
        return TenantsStatus(
            kept=kept,
            unknown=unknown,
            opening=len(self._openings) + sum(not entry.proven for entry in entries),
            fetches=self._gate.under_way,
            busiest={escaped(entry.name): entry.requests for entry in entries[:BUSIEST]},
        )

    def close(self) -> None:
        """Close every provider, those that serve a request after it; idempotent.

        The clients' connections end with the clients. All are closed, also when one raises; its error is raised
        afterwards.
        """
        with ExitStack() as closing:
            for provider in self._kept.close():
                closing.callback(provider.close)

    def __repr__(self) -> str:
        return f"<Tenants, {self._kept.counts()[0]} kept>"

    def _why_not_pickled(self) -> str:
        return "Tenants are not pickled: their keys would leave the process. Make them anew in the other one."


class Clients(OfThisProcess, ClosedByBlock):
    """A stock `genai.Client` per tenant, over shared connections; what `Tenants.clients()` returns.

    Args:
        thin: Makes them.
    """

    def __init__(self, thin: ThinClients) -> None:
        self._thin = thin

    def __getitem__(self, tenant: str) -> genai.Client:
        """The tenant's client. It finds the tenant's provider at each request; to close it closes no connection.

        Raises:
            ConfigurationError: The name isn't a text of 1 to 512 characters.
        """
        return self._thin.make(placeholder_of(checked(tenant)))

    def close(self) -> None:
        """Close the connections of all that is synchronous. Without it they end with the last client."""
        self._thin.close()

    async def aclose(self) -> None:
        """Close the connections of all that is asynchronous, of every event loop that runs."""
        await self._thin.aclose()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.aclose()
        self.close()

    def __repr__(self) -> str:
        return "<Clients of Tenants>"

    def _why_not_pickled(self) -> str:
        return "Clients are not pickled: connections do not leave the process. Make them anew in the other one."


def _check_factory(factory: object) -> None:
    if not callable(factory) or is_coroutine_function(factory):
        raise ConfigurationError(
            "The factory of tenants is a plain function of a tenant's name.",
            remedy="Pass lambda tenant: CredentialProvider(…); it runs in a thread, off the event loop.",
        )


def _check_counts(**counts: object) -> None:
    for name, count in counts.items():
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise ConfigurationError(
                f"{name}={count!r}: it is a whole number, at least 1.", remedy=f"Give {name} such a number."
            )


def _check_seconds(**durations: object) -> None:
    for name, seconds in durations.items():
        number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
        if not number or math.isnan(seconds) or seconds < 0:  # type: ignore[arg-type,operator]
            raise ConfigurationError(
                f"{name}={seconds!r}: a duration is a number of seconds, at least 0.",
                remedy=f"Give {name} such a number.",
            )
