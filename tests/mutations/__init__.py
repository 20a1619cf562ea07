"""The list of mutations: each takes one rule out of the package, and names the test that fails without it."""

from __future__ import annotations

from . import calls, engine, fetching, keystate, known, stores, telling, wire
from .mutation import Mutation

SECTIONS: dict[str, tuple[Mutation, ...]] = {
    **engine.SECTIONS,
    **fetching.SECTIONS,
    **keystate.SECTIONS,
    **known.SECTIONS,
    **calls.SECTIONS,
    **telling.SECTIONS,
    **wire.SECTIONS,
    **stores.SECTIONS,
}
"""The page's headings, each with the mutations of one part of the package."""

MUTATIONS = tuple(mutation for section in SECTIONS.values() for mutation in section)
