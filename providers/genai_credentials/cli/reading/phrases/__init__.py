"""The words that name a cause. There is one module for each kind of source. The modules hold only tables."""

from __future__ import annotations

from genai_credentials.cli.reading.phrases import (
    abroad,
    anybody,
    gateways,
    google,
    keyless,
    network,
    often,
    ours,
    proxy,
    stores,
)
from genai_credentials.cli.reading.phrases.phrase import Phrase

PHRASES: tuple[Phrase, ...] = (
    *google.PHRASES,
    *gateways.PHRASES,
    *stores.PHRASES,
    *keyless.PHRASES,
    *anybody.PHRASES,
    *abroad.PHRASES,
    *network.PHRASES,
    *often.PHRASES,
    *ours.PHRASES,
    *proxy.PHRASES,
)
