"""`TenantEngines`: the engine of a request's tenant, leased from the start of the request to its verdict."""

from __future__ import annotations

import time
from collections.abc import Callable, Container

from genai_credentials.client.exchange import Exchange, always, exchange
from genai_credentials.diagnosis import Diagnosis
from genai_credentials.engine import Engine
from genai_credentials.errors import Attempt, CredentialsError, FetchFailed, NoCredentials, NoSuchSecret, UnknownTenant
from genai_credentials.flight import Steps, Wait
from genai_credentials.tenants.current import Current
from genai_credentials.tenants.names import Placeholders, escaped, name_in
from genai_credentials.tenants.opening import REMEDY, Openings
from genai_credentials.tenants.registry import Entry, Registry


class TenantEngines:
    """Maps placeholders to the tenants' engines.

    Args:
        registry: The tenants' providers that are open.
        openings: Opens the other tenants.
        current: The tenant in use, for placeholders that name no tenant.
        diagnosis: Records requests that are sent without a key.
    """

    placeholders: Container[str | bytes] = Placeholders()

    def __init__(self, registry: Registry, openings: Openings, current: Current, diagnosis: Diagnosis) -> None:
        self._registry, self._openings, self._current, self.diagnosis = registry, openings, current, diagnosis

    def whose(self, placeholder: str | bytes | None) -> str:
        """The name of the tenant whose key a request gets.

        Args:
            placeholder: The placeholder in the request; None for a request without one.

        Raises:
            NoTenant: The placeholder names no tenant, and no tenant is in use.
            ConfigurationError: The placeholder is not one of ours.
        """
        return (placeholder and name_in(placeholder)) or self._current.get()

    def exchange(
        self, whose: str, *, replayable: Callable[[], bool] = always, seconds: float | None = None
    ) -> Exchange:
        """One exchange with the engine of a tenant.

        Args:
            whose: The tenant's name.
            replayable: See `exchange.exchange`.
            seconds: The request's own timeout in seconds; None means no limit.

        Raises:
            UnknownTenant: There is no such tenant.
            NoCredentials: No link of the tenant's chain has a key.
            FetchFailed: The tenant is not open when the request's timeout is over.
        """
        entry = self._registry.lease(whose)
        if entry is None or entry.engine.closed:
            entry = yield from self.lease_steps(whose, entry, seconds)
        try:
            yield from exchange(entry.engine, replayable=replayable, seconds=seconds)
        except NoCredentials as error:
            problem = self.explained(entry, error)
        else:
            return
        finally:
            self._registry.release(entry)
        raise problem

    def lease_steps(self, name: str, entry: Entry | None, seconds: float | None = None) -> Steps[Entry]:
        """The steps of a lease of a tenant that is not open, or whose provider was closed by the user.

        Args:
            name: The tenant's name.
            entry: The tenant's entry, already leased; None if the tenant is not open.
            seconds: Seconds to wait at most; None means no limit.

        Raises:
            UnknownTenant: There is no such tenant.
            FetchFailed: The tenant is not open after this time.
            CredentialsError: The factory failed, or the tenants are closed.
        """
        until = None if seconds is None else time.monotonic() + seconds
        while entry is None or entry.engine.closed:
            if entry is not None:
                self._registry.drop(entry)
                self._registry.release(entry)
            self._check(name)
            opening = self._openings.of(name)
            yield Wait(opening.landed, None if until is None else max(0.0, until - time.monotonic()))
            opening.check()
            if not opening.landed.landed:
                raise FetchFailed(
                    f"Tenant {escaped(name)} is not open yet, and the request's timeout is over.",
                    remedy="Give the request a longer timeout.",
                )
            entry = self._registry.lease(name)
        return entry

    def key_steps(self, entry: Entry) -> Steps[None]:
        """The steps of the first fetch of a tenant, which shows whether the tenant exists.

        A failure other than `UnknownTenant` is not raised here. The first request raises it.

        Args:
            entry: The tenant's entry, already leased.

        Raises:
            UnknownTenant: There is no such tenant.
        """
        engine: Engine = entry.engine
        try:
            if engine.fresh() is None:
                yield from engine.get_steps()
        except NoCredentials as error:
            problem = self.explained(entry, error)
        else:
            return
        if isinstance(problem, UnknownTenant):
            raise problem

    def release(self, entry: Entry) -> None:
        """End a lease that `lease_steps` returned."""
        self._registry.release(entry)

    def explained(self, entry: Entry, error: NoCredentials) -> CredentialsError:
        """The error with the tenant's name.

        It is an `UnknownTenant` if each link is absent or answers that there is no such secret.

        Args:
            entry: The tenant's entry.
            error: The error of the tenant's engine.
        """
        if not all(map(_is_missing, error.attempts)):
            message = f"Tenant {escaped(entry.name)}: {error.message}"
            return NoCredentials(message, remedy=error.remedy, attempts=error.attempts)
        why = "; ".join(map(str, error.attempts))
        problem = UnknownTenant(f"There is no tenant {escaped(entry.name)}: {why}", remedy=REMEDY)
        self._registry.note_unknown(entry.name, problem.message)
        self._registry.drop(entry)
        return problem

    def _check(self, name: str) -> None:
        if self._registry.closed:
            raise CredentialsError("This Tenants is closed.", remedy="Make another Tenants.")
        if (why := self._registry.why_unknown(name)) is not None:
            raise UnknownTenant(why, remedy=REMEDY)


def _is_missing(attempt: Attempt) -> bool:
    return attempt.outcome == "absent" or isinstance(attempt.error, NoSuchSecret)
