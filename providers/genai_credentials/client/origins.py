"""The places to which a key may travel: its home origins, and other machines over an encrypted connection only."""

from __future__ import annotations

import contextlib
import re
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from genai_credentials.client.backends import URL, http_modules, optional_module
from genai_credentials.errors import ConfigurationError
from genai_credentials.key import refuse_a_key

_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}

_ODD = re.compile(r"[\s\x00-\x1f\x7f]")
"""Characters that no URL has."""

Origin = tuple[str, str, int | None]


def origin(url: URL) -> Origin:
    """The scheme, host and port of a URL of httpx, httpx2 or yarl."""
    scheme, host = url.scheme, url.host or ""
    # With a client certificate, the SDK uses the mTLS name of the same service.
    return scheme, host.replace(".mtls.googleapis.com", ".googleapis.com"), url.port or _PORTS.get(scheme)


def origin_of(url: str, *, allow_plain_http: bool) -> Origin:
    """The origin of a base URL, checked.

    Args:
        url: The URL.
        allow_plain_http: Whether the key may travel unencrypted to another machine.

    Raises:
        ConfigurationError: It is not an http(s) URL, or the key would travel unencrypted to another machine.
    """
    try:
        # Python code may pass anything. urlsplit raises an AttributeError for a number, and drops line breaks.
        parts = urlsplit(url if isinstance(url, str) and not _ODD.search(url) else "")
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except ValueError:
        scheme, host, port = "", None, None
    if scheme not in ("http", "https") or not host:
        refuse_a_key(url)
        raise ConfigurationError(f"base_url={url!r} is not an http(s) URL.", remedy="Write https://host[:port].")
    check_encrypted(scheme, host, allow_plain_http=allow_plain_http)
    return origin(Parts(scheme, host, port))


def home_of(url: str, *, allow_plain_http: bool) -> set[Origin]:
    """The origins of a base URL, in the spelling of each HTTP client, which differ for IDN and IPv6 hosts.

    Args:
        url: The URL.
        allow_plain_http: Whether the key may travel unencrypted to another machine.

    Raises:
        ConfigurationError: See `origin_of`.
    """
    home = {origin_of(url, allow_plain_http=allow_plain_http)}
    kinds = [module.URL for module in http_modules()]
    if (yarl := optional_module("yarl")) is not None:
        kinds.append(yarl.URL)
    for kind in kinds:
        # A client that refuses the URL cannot send to it.
        with contextlib.suppress(ValueError, *(module.InvalidURL for module in http_modules())):
            home.add(origin(kind(url)))
    return home


class Parts(NamedTuple):
    """The parts of a URL that `origin` reads."""

    scheme: str
    host: str
    port: int | None


def check_encrypted(scheme: str, host: str, *, allow_plain_http: bool) -> None:
    """Refuse to send a key unencrypted to another machine.

    Args:
        scheme: The scheme of the URL.
        host: The host of the URL.
        allow_plain_http: Whether plain http to another machine is allowed.

    Raises:
        ConfigurationError: The URL is plain http to a host that isn't this machine.
    """
    if scheme == "http" and not allow_plain_http and not is_loopback(host):
        raise ConfigurationError(
            f"The key would go to {host} over plain http, and others could read it.",
            remedy="Use https, or allow plain http with allow_plain_http=True.",
        )


def refuse_proxy(host: str) -> None:
    """Refuse to send a key unencrypted through a proxy, which could read it.

    Args:
        host: The host or URL to which the key would be sent.

    Raises:
        ConfigurationError: Always.
    """
    raise ConfigurationError(
        f"The key would go to {host} over plain http through a proxy, and the proxy could read it.",
        remedy=f"Add {host} to NO_PROXY, use https, or allow plain http with allow_plain_http=True.",
    )


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
