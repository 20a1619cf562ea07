"""Forwards an answer of the API to the client as it arrives. Only the key and the URLs of uploads are changed."""

from __future__ import annotations

import aiohttp
from aiohttp import web

from genai_credentials.key import ApiKey
from genai_credentials.proxy.headers import Pairs, decoded, end_to_end, values
from genai_credentials.proxy.judging import Judged
from genai_credentials.proxy.masking import SHORTEST, KeyMask
from genai_credentials.proxy.uploads import Uploads
from genai_credentials.proxy.wire import Answer


class BrokenAnswer(ConnectionResetError):
    """The API's answer broke off after a part of it was forwarded.

    The proxy's answer must break off too. Otherwise it would look complete.
    """


class Sender:
    """Forwards answers to clients.

    Args:
        uploads: Rewrites the URLs in their headers.
    """

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads

    async def send(
        self,
        request: web.BaseRequest,
        authority: str,
        answer: aiohttp.ClientResponse,
        look: Judged | None = None,
        key: ApiKey | None = None,
    ) -> web.StreamResponse:
        """Forward an answer, and return the answer that was sent.

        Args:
            request: The client's request.
            authority: The value of the request's Host header.
            answer: The API's answer.
            look: The part of the answer that was read; None if nothing was read.
            key: The key that the request carried; None for none.

        Raises:
            BrokenAnswer: The API's answer broke off.
        """
        headers = self._uploads.rewritten([*end_to_end(decoded(answer.raw_headers))], authority)
        mask = None if key is None else KeyMask(key, 1 if answer.status >= 400 else SHORTEST)
        if mask is not None:
            headers = [(name, _cleaned(mask, value)) for name, value in headers]
        if mask is not None and look is not None and (plain := _mentioned(mask, look)) is not None:
            return await _send_whole(request, answer, headers, plain)
        if values(headers, "content-encoding"):
            mask = None
        return await _send_on(request, answer, headers, look.head if look else b"", mask)


async def _send_on(
    request: web.BaseRequest, answer: aiohttp.ClientResponse, headers: Pairs, head: bytes, mask: KeyMask | None
) -> web.StreamResponse:
    chunk = head or answer.content.read_nowait()
    sent = Answer(answer.status, answer.reason, headers, at_once=not (chunk or answer.content.at_eof()))
    await sent.prepare(request)
    while True:
        last = answer.content.at_eof()
        if mask is not None:
            chunk = mask.feed(chunk) + (mask.rest() if last else b"")
        if last:
            # The last chunk goes out together with the end mark and, for a short answer, together with the headers.
            await sent.write_eof(chunk)
            return sent
        if chunk:
            await sent.write(chunk)
        chunk = await _next_of(answer)


async def _next_of(answer: aiohttp.ClientResponse) -> bytes:
    try:
        return await answer.content.readany()
    except (aiohttp.ClientError, OSError):
        raise BrokenAnswer from None


async def _send_whole(
    request: web.BaseRequest, answer: aiohttp.ClientResponse, headers: Pairs, body: bytes
) -> web.StreamResponse:
    """Send this body instead of the answer's own body, which is compressed."""
    replaced = ("content-encoding", "content-length")
    headers = [(name, value) for name, value in headers if name.lower() not in replaced]
    sent = Answer(answer.status, answer.reason, [*headers, ("Content-Length", str(len(body)))], at_once=False)
    await sent.prepare(request)
    await sent.write_eof(body)
    return sent


def _mentioned(mask: KeyMask, look: Judged) -> bytes | None:
    """The text of a compressed body with the key replaced by stars; None if the body does not contain the key."""
    if look.plain is None or look.plain == look.head:
        return None
    clean = mask.clean(look.plain)
    return None if clean == look.plain else clean


def _cleaned(mask: KeyMask, value: str) -> str:
    raw = value.encode("utf-8", "surrogateescape")
    return value if (clean := mask.clean(raw)) == raw else clean.decode("utf-8", "surrogateescape")
