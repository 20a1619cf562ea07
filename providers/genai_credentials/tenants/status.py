"""`TenantsStatus`: what `Tenants` tells of itself, with nothing secret in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from genai_credentials.status import Counters


@dataclass(frozen=True, slots=True)
class TenantsStatus:
    """A moment of `Tenants`.

    `kept` counts the tenants whose providers are kept, `unknown` those that are remembered not to exist, and `opening`
    those whose first provider is being made or whose first key is not there yet. `fetches` counts the fetches under
    way, and calls of the factory with them. `busiest` has up to ten names, escaped as in `Event.tenant`, each with the
    number of requests since its provider was made.
    """

    kept: int
    unknown: int
    opening: int
    fetches: int
    busiest: Mapping[str, int]

    def __post_init__(self) -> None:
        object.__setattr__(self, "busiest", Counters(self.busiest))
