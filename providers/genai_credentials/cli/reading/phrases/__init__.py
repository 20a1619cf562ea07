"""The words that name a cause. There is one module for each kind of source. The modules hold only tables."""

from __future__ import annotations

from genai_credentials.cli.reading.phrases import (
    common,
    gateways,
    google,
    keyless,
    network,
    other_languages,
    ours,
    proxy,
    short_forms,
    stores,
)
from genai_credentials.cli.reading.phrases.phrase import Phrase

PHRASES: tuple[Phrase, ...] = (
    *google.PHRASES,
    *gateways.PHRASES,
    *stores.PHRASES,
    *keyless.PHRASES,
    *common.PHRASES,
    *other_languages.PHRASES,
    *network.PHRASES,
    *short_forms.PHRASES,
    *ours.PHRASES,
    *proxy.PHRASES,
)
