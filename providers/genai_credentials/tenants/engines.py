"""`TenantEngines`: the engine of a request's tenant, on a lease from the request's start to its verdict."""

from __future__ import annotations

import time
from collections.abc import Callable, Container

from genai_credentials.client.exchange import Exchange, always, exchange
from genai_credentials.diagnosis import Diagnosis
from genai_credentials.engine import Engine
from genai_credentials.errors import Attempt, CredentialsError, FetchFailed, NoCredentials, NoSuchSecret, UnknownTenant
from genai_credentials.flight import Steps, Wait
from genai_credentials.tenants.current import Current
from genai_credentials.tenants.kept import Entry, Kept
from genai_credentials.tenants.names import Placeholders, escaped, name_in
from genai_credentials.tenants.opening import REMEDY, Openings


class TenantEngines:
    """Maps placeholders to the tenants' engines.

    Args:
        kept: The providers that are there.
        openings: Makes the others.
        current: Whose turn it is where a placeholder names no tenant.
        diagnosis: Told of requests that go without a key.
    """

    placeholders: Container[str | bytes] = Placeholders()

    def __init__(self, kept: Kept, openings: Openings, current: Current, diagnosis: Diagnosis) -> None:
        self._kept, self._openings, self._current, self.diagnosis = kept, openings, current, diagnosis

    def whose(self, placeholder: str | bytes | None) -> str:
        """The tenant's name.

        Raises:
            NoTenant: The placeholder names none, and none is in use.
        """
        return (placeholder and name_in(placeholder)) or self._current.get()

    def exchange(
        self, whose: str, *, replayable: Callable[[], bool] = always, seconds: float | None = None
    ) -> Exchange:
        """One exchange with that tenant's engine.

        Raises:
            UnknownTenant: There is no such tenant.
        """
        entry = self._kept.lease(whose)
        if entry is None or entry.engine.closed:
            entry = yield from self.lease_steps(whose, entry, seconds)
        try:
            yield from exchange(entry.engine, replayable=replayable, seconds=seconds)
        except NoCredentials as error:
            problem = self.explained(entry, error)
        else:
            return
        finally:
            self._kept.release(entry)
        raise problem

    def lease_steps(self, name: str, entry: Entry | None, seconds: float | None = None) -> Steps[Entry]:
        """The policy behind a lease of a tenant that isn't open, or whose provider (`entry`) its user has closed."""
        until = None if seconds is None else time.monotonic() + seconds
        while entry is None or entry.engine.closed:
            if entry is not None:
                self._kept.drop(entry)
                self._kept.release(entry)
            self._check(name)
            opening = self._openings.of(name)
            yield Wait(opening.landed, None if until is None else max(0.0, until - time.monotonic()))
            opening.check()
            if not opening.landed.landed:
                raise FetchFailed(
                    f"Tenant {escaped(name)} is not open yet: that takes longer than the request may.",
                    remedy="Give the request more time.",
                )
            entry = self._kept.lease(name)
        return entry

    def key_steps(self, entry: Entry) -> Steps[None]:
        """The policy behind the first look at a tenant: it is there, or it is known not to be.

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
        """End a lease of `lease_steps`."""
        self._kept.release(entry)

    def explained(self, entry: Entry, error: NoCredentials) -> CredentialsError:
        """The error with the tenant's name; an `UnknownTenant` where each link is absent, or has no such secret."""
        if not all(map(_is_missing, error.attempts)):
            message = f"Tenant {escaped(entry.name)}: {error.message}"
            return NoCredentials(message, remedy=error.remedy, attempts=error.attempts)
        why = "; ".join(map(str, error.attempts))
        problem = UnknownTenant(f"There is no tenant {escaped(entry.name)}: {why}", remedy=REMEDY)
        self._kept.note_unknown(entry.name, problem.message)
        self._kept.drop(entry)
        return problem

    def _check(self, name: str) -> None:
        if self._kept.closed:
            raise CredentialsError("This Tenants is closed.", remedy="Make another one.")
        if (why := self._kept.why_unknown(name)) is not None:
            raise UnknownTenant(why, remedy=REMEDY)


def _is_missing(attempt: Attempt) -> bool:
    return attempt.outcome == "absent" or isinstance(attempt.error, NoSuchSecret)
