"""The words that give a cause away, a module for each kind of speaker. Tables and nothing else."""

from __future__ import annotations

from genai_credentials.cli.reading.phrases import gateways, google, keyless, network, proxy, stores
from genai_credentials.cli.reading.phrases.phrase import Phrase

PHRASES: tuple[Phrase, ...] = (
    *google.PHRASES,
    *gateways.PHRASES,
    *stores.PHRASES,
    *keyless.PHRASES,
    *network.PHRASES,
    *proxy.PHRASES,
)
