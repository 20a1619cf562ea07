"""Uploads. Their chunks carry no key, and therefore no token. The URL of an upload is signed instead."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from genai_credentials.proxy.headers import Pairs
from genai_credentials.proxy.target import Target
from genai_credentials.proxy.token import Token, wrong_token
from genai_credentials.proxy.upstream import Upstream

PARAMETER = "genai-credentials-upload"
_UPLOAD_URLS = frozenset({"x-goog-upload-url", "x-goog-upload-control-url"})


class Uploads:
    """Makes the URLs in answers lead through the proxy, and checks the signed URLs of uploads.

    Args:
        token: The token that signs the URLs.
        upstream: The API, whose URLs are rewritten.
    """

    def __init__(self, token: Token, upstream: Upstream) -> None:
        self._token, self._upstream = token, upstream

    def opened_by(self, target: Target) -> Target | None:
        """The target of a signed request at the API; None if the request isn't signed.

        Raises:
            Refused: The signature is for another target.
        """
        if not (signatures := target.values(PARAMETER)):
            return None
        bare = target.without(PARAMETER)
        expected = self._token.signature(str(bare)).encode()
        if len(signatures) != 1 or not hmac.compare_digest(signatures[0].encode("utf-8", "replace"), expected):
            raise wrong_token()
        return bare

    def rewritten(self, pairs: Pairs, authority: str) -> Pairs:
        """The headers of an answer, in which the URLs of uploads and redirects lead through the proxy.

        Args:
            pairs: The headers.
            authority: The value of the request's Host header.
        """
        return [(name, self._turned(name.lower(), value, authority)) for name, value in pairs]

    def _turned(self, name: str, value: str, authority: str) -> str:
        if name in _UPLOAD_URLS and (target := self._target(value)) is not None:
            mark = "?" if target.query is None else "&"
            return f"http://{authority}{target}{mark}{PARAMETER}={self._token.signature(str(target))}"
        if name == "location" and (target := self._target(value)) is not None:
            within = self._upstream.within(target)
            return value if within is None else f"http://{authority}{within}{_fragment(value)}"
        return value

    def _target(self, url: str) -> Target | None:
        """The target of an absolute URL at the upstream's origin; None for any other URL."""
        try:
            parts = urlsplit(url)
            if not parts.netloc or not self._upstream.is_origin_of(parts):
                return None
        except ValueError:
            return None
        path, mark, query = url.partition("#")[0].partition("//")[2].partition("?")
        return Target("/" + path.partition("/")[2], query if mark else None)


def _fragment(url: str) -> str:
    _, mark, fragment = url.partition("#")
    return mark + fragment
