"""`Openings`: the tenants that are being opened, off the event loop, with one call of the factory for all callers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from genai_credentials import forks
from genai_credentials.credentials import CredentialProvider
from genai_credentials.errors import ConfigurationError, CredentialsError, FetchFailed, Unavailable, UnknownTenant
from genai_credentials.flight import Landing, inside, is_inside
from genai_credentials.tenants.gate import Gate
from genai_credentials.tenants.names import escaped
from genai_credentials.tenants.registry import Entry, Registry
from genai_credentials.troubles import place
from genai_credentials.workers import Job, NoThread, run

LONGEST = 10.0
"""Seconds that the factory may take. It names the stores of a key and does not fetch the key."""

Factory = Callable[[str], CredentialProvider | None]


class Opening:
    """One call of the factory. `landed` is set when the call ends."""

    def __init__(self) -> None:
        self.landed = Landing()
        self.error: CredentialsError | None = None
        self.calling: Future[Any] | None = None

    def check(self) -> None:
        """Raise the error that the call ended with, if there is one.

        Raises:
            CredentialsError: A new error for each caller. Two callers must not share the frames of one error.
        """
        if self.error is not None:
            raise type(self.error)(self.error.message, remedy=self.error.remedy)


class Openings(forks.Forkable):
    """Calls the factory.

    Args:
        factory: Makes a tenant's provider.
        registry: The open providers, to which each new one is added.
        gate: Decides when calls and fetches begin.
    """

    def __init__(self, factory: Factory, registry: Registry, gate: Gate) -> None:
        self._factory, self._registry, self._gate = factory, registry, gate
        self._lock = forks.Lock()
        self.after_fork_in_child()
        forks.watch(self)

    def after_fork_in_child(self) -> None:
        """Drop the calls of the parent process."""
        self._under_way: dict[str, Opening] = {}

    def __len__(self) -> int:
        return len(self._under_way)

    def of(self, name: str) -> Opening:
        """The call under way for this tenant, or a new call.

        Args:
            name: The tenant's name.

        Raises:
            CredentialsError: A factory asked for a tenant.
        """
        if is_inside(self):
            raise CredentialsError(
                "The factory of tenants asked for a tenant.",
                remedy="Let the factory make a new CredentialProvider instead.",
            )
        with self._lock:
            opening = self._under_way.get(name)
            if opening is not None:
                return opening
            opening = self._under_way[name] = Opening()
        try:
            self._gate.launch(Job(partial(self._open, name, opening), "genai-credentials-tenant"), self._gate.doubtful)
        except NoThread as error:
            opening.error = FetchFailed(f"tenant {escaped(name)}: {error.problem}.", remedy=error.remedy)
            self._end(name, opening)
        return opening

    def _open(self, name: str, opening: Opening) -> None:
        try:
            entry = Entry(name, self._made(name, opening))
            launching, admit = partial(launch, self._gate, entry), partial(self._gate.admit, entry.engine)
            entry.engine.belong_to(escaped(name), launching, admit)
            if not self._registry.add(entry):
                entry.provider.close()
        except UnknownTenant as error:
            self._registry.note_unknown(name, error.message)
            opening.error = error
        except CredentialsError as error:
            opening.error = error
        except BaseException as error:
            opening.error = _failed(name, error)
        finally:
            self._end(name, opening)

    def _end(self, name: str, opening: Opening) -> None:
        # A call that hangs stays registered until it ends. Later callers then get its error at once.
        if opening.calling is None or opening.calling.done():
            self._forget(name, opening)
        else:
            opening.calling.add_done_callback(lambda _: self._forget(name, opening))
        opening.landed.land()

    def _forget(self, name: str, opening: Opening) -> None:
        if self._under_way.get(name) is opening:
            self._under_way.pop(name, None)

    def _made(self, name: str, opening: Opening) -> CredentialProvider:
        opening.calling = run(partial(self._call, name), "genai-credentials-factory")
        try:
            made = opening.calling.result(LONGEST)
        except (LookupError, Unavailable) as error:
            problem: CredentialsError = _unknown(name, f"the factory raised {type(error).__name__} {place(error)}")
        except CredentialsError as error:
            problem = error
        except BaseException as error:
            problem = _failed(name, error) if opening.calling.done() else _late(name)
        else:
            return self._checked(name, made)
        # Raised outside of the blocks, because an error of ours must not keep the frames of the factory. Those frames
        # may hold the keys of all tenants.
        raise problem

    def _call(self, name: str) -> Any:
        with inside(self):
            return self._factory(name)

    def _checked(self, name: str, made: Any) -> CredentialProvider:
        if made is None:
            raise _unknown(name, "the factory returned None")
        if not isinstance(made, CredentialProvider):
            raise ConfigurationError(
                f"The factory of tenants returned {type(made).__name__} for {escaped(name)}.",
                remedy="Let the factory return a new CredentialProvider, or None for a tenant that doesn't exist.",
            )
        if made.engine.closed or made.engine.tenant is not None:
            raise ConfigurationError(
                f"The factory of tenants returned a provider for {escaped(name)} that is closed, or another tenant's.",
                remedy="Let the factory make a new CredentialProvider at each call. Tenants share no chain.",
            )
        return made


def launch(gate: Gate, entry: Entry, job: Job[None]) -> None:
    """Begin the fetch of a tenant.

    The fetch gets the trusted lane if the tenant's store has served before and none of its calls hangs.

    Args:
        gate: Decides when the fetch begins.
        entry: The tenant's entry.
        job: The fetch.

    Raises:
        NoThread: No thread could be started for the fetch.
    """
    gate.launch_fetch(job, entry.engine, gate.trusted if entry.proven else gate.doubtful)


def _unknown(name: str, why: str) -> UnknownTenant:
    return UnknownTenant(f"There is no tenant {escaped(name)}: {why}.", remedy=REMEDY)


REMEDY = "Check the name. A new tenant is looked up again after unknown_for seconds."


def _late(name: str) -> FetchFailed:
    return FetchFailed(
        f"tenant {escaped(name)}: the factory returned no provider within {LONGEST:g} s.",
        remedy="Let the factory only name the store of the key. The provider fetches the key later.",
    )


def _failed(name: str, error: BaseException) -> CredentialsError:
    # The error shows only the class and the place of the factory's error. The text of that error may contain a key, or
    # the name without escapes.
    return CredentialsError(
        f"tenant {escaped(name)}: the factory raised {type(error).__name__} {place(error)}.",
        remedy="Fix the factory. For a tenant that doesn't exist, let it raise LookupError or return None.",
    )
