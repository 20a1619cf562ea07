"""`TenantsStatus`: what `Tenants` tells of itself, with nothing secret in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from genai_credentials.status import Counters
from genai_credentials.tables import Table


@dataclass(frozen=True, slots=True)
class TenantsStatus:
    """A moment of `Tenants`; `print` and a notebook show it as a small table.

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

    def __str__(self) -> str:
        return self._table().text()

    def _repr_html_(self) -> str:
        return self._table().html()

    def _table(self) -> Table:
        facts = [(name, str(getattr(self, name))) for name in ("kept", "unknown", "opening", "fetches")]
        return Table(facts, ("tenant", "requests"), [(name, str(count)) for name, count in self.busiest.items()])
