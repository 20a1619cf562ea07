"""`TenantsStatus`: a snapshot of `Tenants`, with nothing secret in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from genai_credentials.status import Counters
from genai_credentials.tables import Table


@dataclass(frozen=True, slots=True)
class TenantsStatus:
    """A snapshot of `Tenants`. `print` and notebooks show it as a small table.

    Attributes:
        kept: The number of tenants whose providers are kept.
        unknown: The number of tenants that are remembered as unknown.
        opening: The number of tenants whose provider is being made, or whose first key is not there yet.
        fetches: The number of fetches under way, calls of the factory included.
        busiest: Up to ten names, escaped as in `Event.tenant`, each with its number of requests since its provider was
            made.
    """

    kept: int
    unknown: int
    opening: int
    fetches: int
    busiest: Mapping[str, int]

    def __post_init__(self) -> None:
        object.__setattr__(self, "busiest", Counters(self.busiest))

    def __str__(self) -> str:
        return self._table().text()

    def _repr_html_(self) -> str:
        return self._table().html()

    def _table(self) -> Table:
        facts = [(name, str(getattr(self, name))) for name in ("kept", "unknown", "opening", "fetches")]
        return Table(facts, ("tenant", "requests"), [(name, str(count)) for name, count in self.busiest.items()])
