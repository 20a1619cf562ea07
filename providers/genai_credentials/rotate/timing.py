"""The durations of a rotation, checked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from genai_credentials.durations import check_seconds
from genai_credentials.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Timing:
    """The durations of a rotation, all in seconds. `Rotate` explains them.

    Raises:
        ConfigurationError: A duration is not a number of at least 0, or `prove_timeout` is not longer than `prove_for`.
    """

    retire_after: float = 86_400.0
    prove_for: float = 10.0
    prove_timeout: float = 600.0
    min_age: float = 0.0

    def __post_init__(self) -> None:
        durations = {name: getattr(self, name) for name in self.__slots__}
        check_seconds(lowest=0.0, **durations)
        for name, seconds in durations.items():
            if math.isinf(seconds):
                raise ConfigurationError(f"{name}=inf never ends.", remedy=f"Give {name} a number of seconds.")
        if self.prove_timeout <= self.prove_for:
            raise ConfigurationError(
                f"prove_timeout={self.prove_timeout!r} leaves no time to prove a key for {self.prove_for!r} seconds.",
                remedy="Make prove_timeout longer than prove_for.",
            )

    def is_due(self, superseded: datetime | None) -> bool:
        """Whether a superseded key is to be deleted now.

        Args:
            superseded: When the key was superseded; None means now.
        """
        moment = datetime.now(UTC)
        return (moment - (superseded or moment)).total_seconds() >= self.retire_after

    def is_young(self, created: datetime | None) -> bool:
        """Whether a key is too young to be rotated.

        Args:
            created: When the key was made; None if that is not known. Such a key is not young.
        """
        return created is not None and (datetime.now(UTC) - created).total_seconds() < self.min_age


def spoken(seconds: float) -> str:
    """A duration for people: "90 d", "12 h", "15 min", "10 s".

    Args:
        seconds: The duration in seconds.
    """
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:g} s"
