"""The events that httpcore reports while it sends a request, through its documented `trace` extension."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, cast
from urllib.parse import urlsplit

from genai_credentials.client.backends import Request
from genai_credentials.client.origins import Parts, refuse_proxy


class HopURL(Protocol):
    """A URL of httpcore."""

    scheme: bytes
    host: bytes
    port: int | None
    target: bytes


class Hop(Protocol):
    """A request of httpcore: one hop of a redirect, to the server or to a proxy."""

    method: bytes
    headers: list[tuple[bytes, bytes]]
    url: HopURL


Info = Mapping[str, object]
See = Callable[[str, Info], None]
"""Called with the name of an event and its data."""

BEFORE, AFTER = "send_request_headers.started", "send_request_headers.complete"


def follow(request: Request, see: See) -> None:
    """Call `see` with each event of a request of a synchronous client. The request's own trace is called too."""
    theirs = cast(See | None, request.extensions.get("trace"))

    def trace(event: str, info: Info) -> None:
        see(event, info)
        if theirs:
            theirs(event, info)

    request.extensions["trace"] = trace


def afollow(request: Request, see: See) -> None:
    """`follow` for an asynchronous client."""
    theirs = cast(Callable[[str, Info], Awaitable[None]] | None, request.extensions.get("trace"))

    async def trace(event: str, info: Info) -> None:
        see(event, info)
        if theirs:
            await theirs(event, info)

    request.extensions["trace"] = trace


def hop_of(info: Info) -> Hop:
    """The request of an event."""
    return cast(Hop, info["request"])


def url_of(hop: Hop) -> Parts:
    """The URL of a hop. Through a proxy, the hop's own URL is the proxy's, and its target is the whole URL."""
    target = hop.url.target.decode()
    if target.startswith(("http://", "https://")):
        url = urlsplit(target)
        return Parts(url.scheme, url.hostname or "", url.port)
    return Parts(hop.url.scheme.decode(), hop.url.host.decode(), hop.url.port)


def refuse_proxies(event: str, info: Info) -> None:
    """Refuse to send a request unencrypted to a proxy. To be called by `follow`.

    Raises:
        ConfigurationError: The request would be sent unencrypted to a proxy.
    """
    if event.endswith(BEFORE) and (hop := hop_of(info)).url.target.startswith(b"http://"):
        refuse_proxy(url_of(hop).host)
