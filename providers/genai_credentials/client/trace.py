"""What httpcore tells of a request as it sends it, by its documented `trace` extension."""

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
"""Called with an event's name and what belongs to it."""

BEFORE, AFTER = "send_request_headers.started", "send_request_headers.complete"


def follow(request: Request, see: See) -> None:
    """Call `see` with each event of a request that a synchronous client sends; the owner's own trace goes on."""
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
    """The request that an event is about."""
    return cast(Hop, info["request"])


def url_of(hop: Hop) -> Parts:
    """Where a hop goes: by way of a proxy its own URL is the proxy's, and its target the whole one."""
    target = hop.url.target.decode()
    if target.startswith(("http://", "https://")):
        url = urlsplit(target)
        return Parts(url.scheme, url.hostname or "", url.port)
    return Parts(hop.url.scheme.decode(), hop.url.host.decode(), hop.url.port)


def refuse_proxies(event: str, info: Info) -> None:
    """Let no request go to a proxy in the clear, wherever it is meant for; to be called by `follow`.

    Raises:
        ConfigurationError: It is about to.
    """
    if event.endswith(BEFORE) and (hop := hop_of(info)).url.target.startswith(b"http://"):
        refuse_proxy(url_of(hop).host)
