"""`Engines`: with whose key a request is sent, decided as it is sent."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Protocol

from genai_credentials.client.exchange import PLACEHOLDERS, Exchange, always, exchange
from genai_credentials.diagnosis import Diagnosis
from genai_credentials.engine import Engine


class Engines(Protocol):
    """Maps a request's placeholder to the engine whose key it gets."""

    @property
    def diagnosis(self) -> Diagnosis:
        """Told of requests that go without a key."""
        ...

    @property
    def placeholders(self) -> Container[str | bytes]:
        """Which values of the key's header are ours to swap: text for aiohttp, bytes for httpx."""
        ...

    def whose(self, placeholder: str | bytes | None) -> str:
        """The name of the engine that a placeholder stands for; None for a request that has none.

        Raises:
            CredentialsError: It stands for none.
        """
        ...

    def exchange(
        self, whose: str, *, replayable: Callable[[], bool] = always, seconds: float | None = None
    ) -> Exchange:
        """`exchange` with the engine of that name; whoever drives it closes it."""
        ...


class OneEngine:
    """One engine for every request.

    Args:
        engine: Whose key they carry.
    """

    placeholders = PLACEHOLDERS

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.diagnosis = engine.diagnosis

    def whose(self, placeholder: str | bytes | None) -> str:
        """It has no name."""
        return ""

    def exchange(
        self, whose: str, *, replayable: Callable[[], bool] = always, seconds: float | None = None
    ) -> Exchange:
        """One exchange with it."""
        return exchange(self._engine, replayable=replayable, seconds=seconds)
