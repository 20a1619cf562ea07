"""The choice of the headers that are forwarded.

Headers of a single connection and headers with the token are dropped. Encodings that the proxy cannot read are removed
from Accept-Encoding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from genai_credentials.client.exchange import API_KEY_HEADER

Pairs = list[tuple[str, str]]

AUTHORIZATION = "authorization"
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_REPLACED = frozenset({"host", API_KEY_HEADER, AUTHORIZATION})
_HANDSHAKE = "sec-websocket-"
READABLE = frozenset({"gzip", "x-gzip", "deflate", "identity"})
"""The encodings in which the proxy can read a refusal."""


def decoded(raw: Iterable[tuple[bytes, bytes]]) -> Pairs:
    """Names and values as they were sent, in order."""
    return [(name.decode("utf-8", "surrogateescape"), value.decode("utf-8", "surrogateescape")) for name, value in raw]


def for_upstream(pairs: Pairs) -> Pairs:
    """The headers of a request that go to the API, before the key is added."""
    return [
        (name, narrowed(value) if name.lower() == "accept-encoding" else value)
        for name, value in end_to_end(pairs)
        if name.lower() not in _REPLACED
    ]


def for_handshake(pairs: Pairs) -> Pairs:
    """`for_upstream` for the handshake of a WebSocket, without the headers that each connection makes for itself."""
    return [(name, value) for name, value in for_upstream(pairs) if not name.lower().startswith(_HANDSHAKE)]


def end_to_end(pairs: Pairs) -> Iterator[tuple[str, str]]:
    """The headers that are not about a single connection."""
    named = {
        option.strip().lower() for name, value in pairs if name.lower() == "connection" for option in value.split(",")
    }
    # The length is about the body and not about the connection, even if the client's Connection header names it.
    dropped = _HOP_BY_HOP | (named - {"content-length"})
    return ((name, value) for name, value in pairs if name.lower() not in dropped)


def alike(pairs: Pairs) -> Pairs:
    """The same headers, with each name that is repeated spelled as at first.

    aiohttp takes X-Foo and x-foo for one header, and sends only the last value of such a pair.
    """
    spelled: dict[str, str] = {}
    return [(spelled.setdefault(name.lower(), name), value) for name, value in pairs]


def values(pairs: Pairs, wanted: str) -> list[str]:
    """The values of a header.

    Args:
        pairs: The headers.
        wanted: The header's name in lower case.
    """
    return [value for name, value in pairs if name.lower() == wanted]


def narrowed(accepted: str) -> str:
    """The encodings of an Accept-Encoding header that the proxy can read; `identity` if it can read none."""
    kept = [part.strip() for part in accepted.split(",") if part.partition(";")[0].strip().lower() in READABLE]
    return ", ".join(kept) or "identity"
