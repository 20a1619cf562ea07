"""`Tenants`: many keys in one process, one per tenant."""

from __future__ import annotations

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
from genai_credentials.durations import check_seconds, shown
from genai_credentials.errors import ConfigurationError
from genai_credentials.flight import Steps, drive
from genai_credentials.forks import at_work
from genai_credentials.sealing import OfThisProcess, sealed_call
from genai_credentials.tenants.current import Current, Use
from genai_credentials.tenants.gate import Gate
from genai_credentials.tenants.names import checked, escaped, placeholder_of
from genai_credentials.tenants.opening import Openings
from genai_credentials.tenants.registry import Entry, Registry

if TYPE_CHECKING:
    from google import genai

    from genai_credentials.client.thin import ThinClients
    from genai_credentials.tenants.engines import TenantEngines
    from genai_credentials.tenants.status import TenantsStatus

BUSIEST = 10


class Tenants(HttpFactory, OfThisProcess, ClosedByBlock):
    """A `CredentialProvider` per tenant, made on first use, and stock clients that share their connections.

    Each tenant has its own chain, cache, rotation and replay. No request ever gets the key of another tenant, and there
    is no default tenant.

    A tenant is unknown in three cases: the factory reports it as unknown, every link of its chain is absent, or the
    store has no such secret. A request of an unknown tenant raises `UnknownTenant` before anything is sent.

    Args:
        factory: Called with a tenant's name, off the event loop. It returns a new `CredentialProvider`. For a tenant
            that doesn't exist, it returns None or raises `LookupError` or `Unavailable`.
        max_size: How many providers are kept. When one more is needed, the least recently used provider is closed. A
            provider that serves a request is closed after that request.
        idle: Seconds after which an unused provider is closed; math.inf means never.
        unknown_for: Seconds for which a tenant is remembered as unknown.
        max_fetches: How many fetches run at once, for all tenants together. Further fetches wait in a queue. Tenants
            whose store has never served, or hangs, get at most half of them.
        clock: Returns seconds that only grow; for tests.

    Raises:
        ConfigurationError: The factory is not a plain function, or a number is not valid.
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
        check_seconds(lowest=0.0, idle=idle, unknown_for=unknown_for)
        self._gate = Gate(max_fetches)
        self._registry = Registry(max_size, idle, unknown_for, clock)
        self._openings = Openings(factory, self._registry, self._gate)
        self._current = Current()
        self._diagnosis = Diagnosis(clock)

    @sealed_call
    def clients(self, *, verify: bool = False, allow_plain_http: bool = False, **options: Any) -> Clients:
        """Stock clients by tenant, as in `clients["acme"]`, which share their connections.

        Build them once and keep them.

        Args:
            verify: List one model with each new client, and raise an error if that fails.
            allow_plain_http: Let keys travel unencrypted to a host that isn't this machine.
            options: Every keyword of `genai.Client` except `api_key` and `credentials`.

        Raises:
            ConfigurationError: An option cannot work with a key that is inserted into each request.
        """
        with at_work():
            from genai_credentials.client.thin import ThinClients

            thin = ThinClients(self._engines(), options, verify=verify, allow_plain_http=allow_plain_http)
        return Clients(thin)

    def __getitem__(self, tenant: str) -> CredentialProvider:
        """The tenant's provider. Waits for its first key.

        The provider stays open until it makes room for others or has been unused for `idle` seconds.

        Raises:
            UnknownTenant: There is no such tenant.
            ConfigurationError: The name is not a text of 1 to 512 characters, or it looks like a key.
        """
        return drive(self._provider_steps(checked(tenant)))

    def _provider_steps(self, name: str) -> Steps[CredentialProvider]:
        engines = self._engines()
        entry: Entry = yield from engines.lease_steps(name, self._registry.lease(name))
        try:
            yield from engines.key_steps(entry)
        finally:
            engines.release(entry)
        return entry.provider

    def use(self, tenant: str) -> AbstractContextManager[None]:
        """A block in which `http_options()` and `httpx_auth()` send this tenant's key.

        It is for frameworks that build their own client. The tenant must be in use when a request is sent: if a stream
        is read after the block, its request is sent after the block. The client of a tenant, `clients()[tenant]`, does
        not have this problem.

        Args:
            tenant: The tenant's name.

        Raises:
            ConfigurationError: The name is not a text of 1 to 512 characters, it looks like a key, or the block is
                entered directly in a generator.
        """
        return Use(self._current, checked(tenant))

    def _engines(self) -> TenantEngines:
        with at_work():
            from genai_credentials.tenants.engines import TenantEngines

        return TenantEngines(self._registry, self._openings, self._current, self._diagnosis)

    # Status and end

    def status(self) -> TenantsStatus:
        """A snapshot of the tenants and of the work under way.

        It has the numbers of tenants that are kept, unknown and being opened, the number of fetches, and the busiest
        tenants.
        """
        from genai_credentials.tenants.status import TenantsStatus

        entries = sorted(self._registry, key=lambda entry: -entry.requests)
        kept, unknown = self._registry.counts()
        return TenantsStatus(
            kept=kept,
            unknown=unknown,
            opening=len(self._openings) + sum(not entry.proven for entry in entries),
            fetches=self._gate.under_way,
            busiest={escaped(entry.name): entry.requests for entry in entries[:BUSIEST]},
        )

    def close(self) -> None:
        """Close every provider. A provider that serves a request is closed after that request.

        A second call does nothing. The clients' connections end with the clients. If closing a provider raises an
        error, the other providers are closed too, and the error is raised afterwards.
        """
        with ExitStack() as closing:
            for provider in self._registry.close():
                closing.callback(provider.close)

    def __repr__(self) -> str:
        return f"<Tenants, {self._registry.counts()[0]} kept>"

    def _why_not_pickled(self) -> str:
        return "Tenants are not pickled: their keys would leave the process. Make new Tenants in the other process."


class Clients(OfThisProcess, ClosedByBlock):
    """A stock `genai.Client` per tenant, over shared connections. `Tenants.clients()` returns it.

    Args:
        thin: Makes the clients.
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
        """Close the connections of the synchronous sides. Without this call they end with the last client."""
        self._thin.close()

    async def aclose(self) -> None:
        """Close the connections of the asynchronous sides, for every event loop that is running."""
        await self._thin.aclose()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.aclose()
        self.close()

    def __repr__(self) -> str:
        return "<Clients of Tenants>"

    def _why_not_pickled(self) -> str:
        return "Clients are not pickled: connections cannot leave the process. Make new clients in the other process."


def _check_factory(factory: object) -> None:
    if not callable(factory) or is_coroutine_function(factory) or isinstance(factory, CredentialProvider):
        raise ConfigurationError(
            "The factory of tenants must be a plain function of a tenant's name.",
            remedy="Pass lambda tenant: CredentialProvider(…). It runs in a thread, off the event loop.",
        )


def _check_counts(**counts: object) -> None:
    for name, count in counts.items():
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise ConfigurationError(
                f"{shown(name, count)}: it must be a whole number of at least 1.", remedy=f"Pass {name}=1 or more."
            )
