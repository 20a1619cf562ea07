"""Admission: only a program on this machine that sends the token may use the proxy.

Requests of web pages, and requests that name another host, are refused.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from aiohttp import web

from genai_credentials.proxy.headers import Pairs, decoded, values
from genai_credentials.proxy.refusals import Refused
from genai_credentials.proxy.target import Target
from genai_credentials.proxy.token import PARAMETER, Token, wrong_token
from genai_credentials.proxy.uploads import Uploads

_HOST = re.compile(r"(?i)(127\.0\.0\.1|localhost|\[::1\])(:\d{0,5})?")
_AUTHORITY = re.compile(r"[\w.\-]*(:\d{0,5})?|\[[0-9a-fA-F:.]+\](:\d{0,5})?")
_CLEAR = re.compile(r"/[^\x00-\x20#\x7f\ud800-\udfff]*")
"""A path, perhaps with a query, that every parser reads in the same way."""


class Admitted(NamedTuple):
    """The parts of an admitted request.

    Args:
        headers: All headers of the request, as they were sent.
        target: The target of the request, without the token and the signature.
        authority: The value of the request's Host header.
        signed: Whether the request is part of an upload. It then gets no key, and `target` is a target of the upstream.
    """

    headers: Pairs
    target: Target
    authority: str
    signed: bool


class Door:
    """Checks each request before its body is read.

    Args:
        token: The token that each request must contain.
        uploads: Checks the signed URLs of uploads.
        any_host: Whether the Host header is not checked, as on a Unix socket.
    """

    def __init__(self, token: Token, uploads: Uploads, *, any_host: bool) -> None:
        self._token, self._uploads, self._any_host = token, uploads, any_host

    def admit(self, request: web.BaseRequest) -> Admitted:
        """Admit a request, and return its parts.

        Args:
            request: The request, whose body was not read.

        Raises:
            Refused: The request is not admitted.
        """
        headers = decoded(request.raw_headers)
        authority = self._authority(values(headers, "host"))
        if values(headers, "origin"):
            raise Refused(403, "ORIGIN_REFUSED", "This proxy serves no web pages: send requests without Origin.")
        _check_framing(headers, request)
        target = _target(request)
        has_token = self._token.check(headers, target)
        target = target.without(PARAMETER)
        if (upload := self._uploads.opened_by(target)) is not None:
            return Admitted(headers, upload, authority, signed=True)
        if not has_token:
            raise wrong_token()
        return Admitted(headers, target, authority, signed=False)

    def _authority(self, hosts: list[str]) -> str:
        if self._any_host:
            named = hosts[0] if len(hosts) == 1 else ""
            return named if named and _AUTHORITY.fullmatch(named) else "localhost"
        if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
            raise Refused(403, "HOST_REFUSED", "A request needs one Host header, with 127.0.0.1, localhost or [::1].")
        return hosts[0]


def _check_framing(headers: Pairs, request: web.BaseRequest) -> None:
    """Refuse a body whose end two parsers could find in two places. aiohttp's own result is not used."""
    lengths, codings = values(headers, "content-length"), values(headers, "transfer-encoding")
    coded = [coding.strip().lower() for coding in codings]
    if request.version not in ((1, 0), (1, 1)):
        raise Refused(400, "BAD_REQUEST", "This proxy supports HTTP/1.0 and HTTP/1.1 only.")
    odd = coded not in ([], ["chunked"]) or (coded and request.version < (1, 1))
    if odd or len(lengths) + len(codings) > 1 or not all(re.fullmatch(r"\d+", length) for length in lengths):
        raise Refused(400, "BAD_REQUEST", "The length of the body is given twice, or in an unclear way.")


def _target(request: web.BaseRequest) -> Target:
    raw = request.raw_path
    if not _CLEAR.fullmatch(raw):
        raise Refused(400, "BAD_REQUEST", "The target of a request must be a path, or a path and a query.")
    return Target.of(raw)
