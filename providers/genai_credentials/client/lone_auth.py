"""`LoneAuth`: the Auth for HTTP clients that are not ours, in which no hook of ours sees each hop of a redirect."""

from __future__ import annotations

import re
from collections.abc import Generator, ItemsView, Iterator, MutableMapping
from typing import TYPE_CHECKING, Any, cast

from genai_credentials.client.backends import Headers, Request, over_http_modules
from genai_credentials.client.engines import Engines
from genai_credentials.client.httpx_auth import SIGNED, WHOSE, KeyAuth
from genai_credentials.client.origins import check_encrypted, origin
from genai_credentials.client.trace import AFTER, BEFORE, Info, afollow, follow, hop_of, url_of
from genai_credentials.errors import ConfigurationError
from genai_credentials.key import ApiKey, refuse_a_key

_HOPS = "genai_credentials_hops"


class LoneAuth(KeyAuth):
    """Puts the current key into a header of each request, and of each hop to the same origin.

    httpx removes `Authorization` from a request that is redirected to another origin. Any other header is hidden from
    httpx when it makes the request of the next hop (`_KeptHome`). For a hop to the same origin, the header is added
    again as httpcore sends the request, through httpcore's documented `trace` extension.

    Args:
        engines: The engines whose keys are sent.
        header: The header's name.
        scheme: The text before the key, its space included; "" for none.
        allow_plain_http: Whether the key may travel unencrypted to another machine.
    """

    def __init__(self, engines: Engines, *, header: str, scheme: str, allow_plain_http: bool) -> None:
        super().__init__(engines, set(), allow_plain_http=allow_plain_http)
        self.header, self.scheme = header.lower(), scheme

    def claims(self, request: Request) -> bool:
        """Always True: a client with this Auth sends the key in each request.

        Raises:
            ConfigurationError: The request is plain http to another machine.
            NoTenant: With tenants, no tenant is in use.
        """
        check_encrypted(request.url.scheme, request.url.host, allow_plain_http=self.allow_plain_http)
        if WHOSE not in request.extensions:
            request.extensions[WHOSE] = self.engines.whose(None)
        return True

    def sign(self, request: Request, key: ApiKey) -> None:
        """Put the key into the request, and follow its hops."""
        if (hops := self._hops(request)) is not None:
            follow(request, hops.see)
        super().sign(request, key)

    def asign(self, request: Request, key: ApiKey) -> None:
        """`sign` for an asynchronous client."""
        if (hops := self._hops(request)) is not None:
            afollow(request, hops.see)
        super().asign(request, key)

    def carried(self, request: Request) -> bool:
        """Whether a hop carried the key: httpx kept `Authorization`, or httpcore sent the header."""
        hops = request.extensions.get(_HOPS)
        return super().carried(request) or (isinstance(hops, _Hops) and hops.seen)

    def _hops(self, request: Request) -> _Hops | None:
        """A follower for this request; None if the request is followed already."""
        if SIGNED in request.extensions:
            return None
        if self.header != "authorization":
            request.headers = _KeptHome(request.headers, self.header)  # type: ignore[assignment,misc]
        hops = _Hops(request, self.header)
        request.extensions[_HOPS] = hops
        return hops


class _KeptHome(MutableMapping[str, str]):
    """A request's headers. One header is visible to the sender of the request, and not to code that copies the headers.

    httpx makes the request of the next hop from a copy of the headers, and it copies a mapping by its items.
    """

    def __init__(self, headers: Headers, kept: str) -> None:
        self._headers = headers
        self._kept = kept

    def items(self) -> ItemsView[str, str]:
        """All headers except the kept one."""
        pairs = [(name, value) for name, value in self._headers.multi_items() if name.lower() != self._kept]
        return cast("ItemsView[str, str]", pairs)

    def __getitem__(self, name: str) -> str:
        return self._headers[name]

    def __setitem__(self, name: str, value: str) -> None:
        self._headers[name] = value

    def __delitem__(self, name: str) -> None:
        del self._headers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._headers)

    def __len__(self) -> int:
        return len(self._headers)

    def __contains__(self, name: object) -> bool:
        return name in self._headers

    def __getattr__(self, name: str) -> object:
        return getattr(self._headers, name)

    def __repr__(self) -> str:
        return repr(self._headers)


class _Hops:
    """Follows one request over its redirects."""

    def __init__(self, request: Request, header: str) -> None:
        self._request, self._header = request, header
        self._value = ""
        self.seen = False

    def see(self, event: str, info: Info) -> None:
        """Called by httpcore before and after each step of sending."""
        if event.endswith(BEFORE) and self._header not in self._request.headers:
            hop = hop_of(info)
            if hop.method != b"CONNECT" and origin(url_of(hop)) == origin(self._request.url):
                hop.headers.append((self._header.encode(), self._value.encode()))
        elif event.endswith(AFTER) and self._header != "authorization":
            self.seen = True
            self._value = self._request.headers.pop(self._header, self._value) or ""


if TYPE_CHECKING:
    import httpx
    import httpx2

    class HttpxAuth(LoneAuth, httpx2.Auth, httpx.Auth):  # type: ignore[misc]
        """The type of `lone_auth`'s result for type checkers: an Auth of each installed HTTP module."""

        def auth_flow(self, request: Any) -> Generator[Any, Any, None]: ...


_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""The name of a header. Source: RFC 9110, section 5.6.2."""


def _is_text(argument: object) -> bool:
    return isinstance(argument, str) and argument.isascii()


def lone_auth(engines: Engines, header: str, scheme: str, *, allow_plain_http: bool) -> HttpxAuth:
    """The Auth for any other HTTP client.

    Args:
        engines: The engines whose keys are sent.
        header: The header's name.
        scheme: The text before the key, its space included; "" for none.
        allow_plain_http: Whether the key may travel unencrypted to another machine.

    Raises:
        ConfigurationError: The header's name or the scheme is not valid in a request or looks like a key, or the scheme
            has no space at its end.
    """
    refuse_a_key(header, scheme)
    if not (_is_text(header) and _HEADER.fullmatch(header) and _is_text(scheme) and scheme.isprintable()):
        raise ConfigurationError(
            f"header={header!r} with scheme={scheme!r} is not valid in a request.",
            remedy='Pass the header\'s name and the scheme separately: httpx_auth("Authorization", "Bearer ").',
        )
    if scheme[-1:].isalnum():
        # The scheme is not repeated, because it may be a key.
        raise ConfigurationError(
            "The scheme ends without a space. The key would follow it directly.",
            remedy='Add the space: scheme="Bearer ".',
        )
    kind = over_http_modules(LoneAuth, "Auth")
    auth: HttpxAuth = kind(engines, header=header, scheme=scheme, allow_plain_http=allow_plain_http)
    return auth
