"""`Engines`: chooses the engine whose key a request gets, at the moment when the request is sent."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Protocol

from genai_credentials.client.exchange import PLACEHOLDERS, Exchange, always, exchange
from genai_credentials.diagnosis import Diagnosis
from genai_credentials.engine import Engine


class Engines(Protocol):
    """Maps the placeholder of a request to the engine whose key the request gets."""

    @property
    def diagnosis(self) -> Diagnosis:
        """Records requests that are sent without a key."""
        ...

    @property
    def placeholders(self) -> Container[str | bytes]:
        """The values of the key's header that are replaced by a key: text for aiohttp, bytes for httpx."""
        ...

    def whose(self, placeholder: str | bytes | None) -> str:
        """The name of the engine that a placeholder stands for.

        Args:
            placeholder: The placeholder in the request; None for a request without one.

        Raises:
            CredentialsError: The placeholder stands for no engine.
        """
        ...

    def exchange(
        self, whose: str, *, replayable: Callable[[], bool] = always, seconds: float | None = None
    ) -> Exchange:
        """An exchange with the engine of this name. The caller closes it.

        Args:
            whose: The name of the engine.
            replayable: See `exchange`.
            seconds: The request's own timeout in seconds; None means no limit.
        """
        ...


class OneEngine:
    """One engine for every request.

    Args:
        engine: The engine whose keys the requests get.
    """

    placeholders = PLACEHOLDERS

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.diagnosis = engine.diagnosis

    def whose(self, placeholder: str | bytes | None) -> str:
        """Always "": this engine has no name."""
        return ""

    def exchange(
        self, whose: str, *, replayable: Callable[[], bool] = always, seconds: float | None = None
    ) -> Exchange:
        """An exchange with the engine. See `Engines.exchange`."""
        return exchange(self._engine, replayable=replayable, seconds=seconds)
