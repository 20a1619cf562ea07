"""Which headers go on: all but those of one connection, those of the token, and the encodings that cannot be read."""

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
"""The encodings of a refusal that can be judged."""


def decoded(raw: Iterable[tuple[bytes, bytes]]) -> Pairs:
    """Names and values as they were sent, in their order."""
    return [(name.decode("utf-8", "surrogateescape"), value.decode("utf-8", "surrogateescape")) for name, value in raw]


def for_upstream(pairs: Pairs) -> Pairs:
    """The headers of a request that go to the API, without a key yet."""
    return [
        (name, narrowed(value) if name.lower() == "accept-encoding" else value)
        for name, value in end_to_end(pairs)
        if name.lower() not in _REPLACED
    ]


def for_handshake(pairs: Pairs) -> Pairs:
    """`for_upstream` of a WebSocket's handshake, whose own headers each connection makes for itself."""
    return [(name, value) for name, value in for_upstream(pairs) if not name.lower().startswith(_HANDSHAKE)]


def end_to_end(pairs: Pairs) -> Iterator[tuple[str, str]]:
    """The headers that are not about one connection alone."""
    named = {
        option.strip().lower() for name, value in pairs if name.lower() == "connection" for option in value.split(",")
    }
    # The length belongs to the body, not to the connection, whatever a client says.
    dropped = _HOP_BY_HOP | (named - {"content-length"})
    return ((name, value) for name, value in pairs if name.lower() not in dropped)


def values(pairs: Pairs, wanted: str) -> list[str]:
    """The values of a header; its name is in lower case."""
    return [value for name, value in pairs if name.lower() == wanted]


def narrowed(accepted: str) -> str:
    """An Accept-Encoding with what can be read of it; `identity` where nothing can."""
    kept = [part.strip() for part in accepted.split(",") if part.partition(";")[0].strip().lower() in READABLE]
    return ", ".join(kept) or "identity"
