"""Finds further links that hold the key to be rotated. Without a change, they would keep a key that is deleted."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING

from genai_credentials.cli.chains import Finding, chain_of
from genai_credentials.cli.output import Misconfigured, know
from genai_credentials.errors import CredentialsError
from genai_credentials.key import ApiKey
from genai_credentials.workers import run

if TYPE_CHECKING:
    from genai_credentials.provider import Provider, Writable

PATIENCE = 5.0
"""Seconds to wait for a link. A warning is not worth a longer wait."""


def other_places(stores: Sequence[Writable]) -> list[Finding]:
    """Return a warning for each link of the configured chain that holds the same key and is not rotated.

    Args:
        stores: The stores that are rotated.
    """
    try:
        others = [link for link in chain_of(()).providers if link not in stores]
    except Misconfigured:
        # A rotation does not need the chain.
        return []
    asked = [run(partial(_key_of, one), "rotate") for one in (stores[0], *others)]
    key, *found = [_result(one) for one in asked]
    if key is None:
        return []
    return [_finding(link, key) for link, twin in zip(others, found, strict=True) if twin == key]


def _result(asked: Future[ApiKey | None]) -> ApiKey | None:
    try:
        return asked.result(PATIENCE)
    except TimeoutError:
        return None


def _key_of(provider: Provider) -> ApiKey | None:
    try:
        key = provider.fetch()
    except CredentialsError:
        return None
    know(key)
    return key


def _finding(link: Provider, key: ApiKey) -> Finding:
    uri = getattr(link, "uri", None) or link.name
    return Finding(
        f"{link.name} holds the key {key.fingerprint} too, and this run does not rotate it.",
        f"Add --also {uri}, or store the new key there before the old key is deleted.",
    )
