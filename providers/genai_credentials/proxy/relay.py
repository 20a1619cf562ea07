"""Forwards one HTTP request through the proxy, with the keys that `exchange` yields."""

from __future__ import annotations

import re

import aiohttp
from aiohttp import web

from genai_credentials.client.exchange import API_KEY_HEADER, Exchange, aadvance, exchange, server_timeout
from genai_credentials.engine import Engine
from genai_credentials.errors import CredentialsError
from genai_credentials.key import ApiKey
from genai_credentials.proxy.admission import Admitted
from genai_credentials.proxy.bodies import Body, BrokenUpload
from genai_credentials.proxy.headers import decoded, for_upstream
from genai_credentials.proxy.judging import judged
from genai_credentials.proxy.refusals import Refused
from genai_credentials.proxy.sending import BrokenAnswer, Sender
from genai_credentials.proxy.target import Target
from genai_credentials.proxy.uploads import Uploads
from genai_credentials.proxy.upstream import CONNECT_SECONDS, Upstream
from genai_credentials.rejection import Verdict

_OPENAI = re.compile(r"/+[^/]+/openai(/|$)")


class Outcome:
    """The result of a request, for the log. It is also set if the request ends with an error."""

    def __init__(self) -> None:
        self.status = 0
        self.key: ApiKey | None = None


class Relay:
    """Forwards requests to the API, and the answers to the clients.

    Args:
        engine: The engine whose keys the requests get.
        upstream: The API.
        uploads: Rewrites the URLs in answers.
    """

    def __init__(self, engine: Engine, upstream: Upstream, uploads: Uploads) -> None:
        self._engine, self._upstream = engine, upstream
        self._sender = Sender(uploads)

    async def answer(self, request: web.BaseRequest, admitted: Admitted, outcome: Outcome) -> web.StreamResponse:
        """Forward a request, and return the answer that was sent to the client.

        Args:
            request: The request.
            admitted: Its parts.
            outcome: Receives the key and the status, for the log.

        Raises:
            Refused: There is no key, the request's body is broken, or the API cannot be reached.
            BrokenAnswer: The API's answer broke off.
        """
        body = Body(request)
        try:
            data = await _begun(request, body)
            if admitted.signed:
                return await self._without_key(request, admitted, data)
            return await self._with_key(request, admitted, data, body, outcome)
        except BrokenUpload:
            raise _broken_upload() from None
        except BrokenAnswer:
            raise
        except (aiohttp.ClientError, OSError) as error:
            raise _broken_upload() if body.broken else unreachable(error) from None

    async def _without_key(
        self, request: web.BaseRequest, admitted: Admitted, data: bytes | Body | None
    ) -> web.StreamResponse:
        headers = for_upstream(admitted.headers)
        answer = await self._upstream.send(request.method, admitted.target, headers, data)
        try:
            return await self._sender.send(request, admitted.authority, answer)
        finally:
            answer.close()

    async def _with_key(
        self,
        request: web.BaseRequest,
        admitted: Admitted,
        data: bytes | Body | None,
        body: Body,
        outcome: Outcome,
    ) -> web.StreamResponse:
        steps = exchange(self._engine, replayable=body.can_repeat, seconds=server_timeout(request.headers))
        headers, target = for_upstream(admitted.headers), self._upstream.whole(admitted.target)
        answer, look = None, None
        try:
            while key := await next_key(steps, look.verdict if look else None):
                if answer is not None:
                    answer.close()
                outcome.key = key
                carried = [*headers, key_header(admitted.target, key)]
                answer = await self._upstream.send(request.method, target, carried, data)
                look = await judged(answer, decoded(answer.raw_headers))
            assert answer is not None
            return await self._sender.send(request, admitted.authority, answer, look, outcome.key)
        finally:
            if answer is not None:
                answer.close()


async def _begun(request: web.BaseRequest, body: Body) -> bytes | Body | None:
    if request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    return await body.begin()


async def next_key(steps: Exchange, verdict: Verdict | None) -> ApiKey | None:
    """The next key to send a request with; None if the last answer is final.

    Args:
        steps: The exchange of the request.
        verdict: The verdict on the last answer; None if there is no answer yet.

    Raises:
        Refused: There is no key.
    """
    try:
        return await aadvance(steps, verdict)
    except CredentialsError as error:
        raise no_key(error) from None


def key_header(target: Target, key: ApiKey) -> tuple[str, str]:
    """The header that carries the key. Clients and paths of OpenAI's API use another header than Google's.

    Args:
        target: The target of the request.
        key: The key.
    """
    text = key.get_secret_value()
    return ("Authorization", f"Bearer {text}") if _OPENAI.match(target.path) else (API_KEY_HEADER, text)


def no_key(error: CredentialsError) -> Refused:
    """The answer to a request for which there is no key.

    Args:
        error: The error of the provider.
    """
    return Refused(503, "NO_CREDENTIALS", f"The proxy has no key. {error}")


def unreachable(error: Exception) -> Refused:
    """The answer to a request that the API did not answer.

    Args:
        error: The error of the HTTP client.
    """
    if isinstance(error, TimeoutError):
        return Refused(
            504, "UPSTREAM_TIMEOUT", f"The proxy could not connect to the API within {CONNECT_SECONDS:.0f} seconds."
        )
    return Refused(502, "UPSTREAM_FAILED", f"The proxy got no answer from the API ({type(error).__name__}).")


def _broken_upload() -> Refused:
    return Refused(400, "BROKEN_UPLOAD", "The body of the request broke off, or it is malformed.")
