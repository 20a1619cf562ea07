"""The checks of `doctor` beside the chain and the API: clock, files, certificates, proxies and versions."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from genai_credentials.provider import Provider

GOOD, ODD, BAD = "good", "odd", "bad"

ODD_SECONDS, BAD_SECONDS = 60, 300
"""Seconds from which on a wrong clock is reported, and seconds from which on AWS refuses signed requests."""

PACKAGES = (
    *("google-genai", "httpx2", "httpx", "aiohttp", "pydantic", "google-auth", "google-cloud-secret-manager"),
    *("boto3", "python-dotenv", "opentelemetry-api"),
)
_OLDEST_AIOHTTP = (3, 12)
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE")
_WAYS = ("https", "http", "all")


class Point(NamedTuple):
    """The result of one check.

    Args:
        topic: The topic, in one word.
        state: "good", "odd" (perhaps intended), "bad", or "absent" (not set up, and not needed).
        what: The result, in a sentence.
        remedy: What to do next; may be empty.
    """

    topic: str
    state: str
    what: str
    remedy: str = ""


def clock_point(ahead: float | None) -> Point:
    """The check of the clock.

    Args:
        ahead: Seconds by which the clock of this machine is ahead of the server's clock; None if no answer had a date.
    """
    if ahead is None:
        return Point("clock", "absent", "The clock was not checked, because no answer had a date.")
    off = abs(ahead)
    if off < ODD_SECONDS:
        return Point("clock", GOOD, "The clock of this machine is right.")
    what = f"The clock of this machine is {off:.0f} s {'ahead' if ahead > 0 else 'behind'}."
    remedy = f"Set the clock, for example with NTP. From {BAD_SECONDS} s on, AWS refuses requests, and logins fail."
    return Point("clock", BAD if off >= BAD_SECONDS else ODD, what, remedy)


def file_points(providers: Sequence[Provider]) -> list[Point]:
    """The checks of the permissions of files with keys and logins."""
    named = [(provider.name, getattr(provider, "path", None)) for provider in providers]
    named += [
        (name, os.environ.get(name)) for name in ("GOOGLE_APPLICATION_CREDENTIALS", "AWS_SHARED_CREDENTIALS_FILE")
    ]
    found = [point for name, path in named if path for point in _file_points(name, Path(path))]
    return found or [Point("files", "absent", "No file with a key or a login is used.")]


def _file_points(name: str, path: Path) -> Iterator[Point]:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        # The topic "chain" reports an absent link.
        if not name.startswith(("file:", "dotenv:")):
            what = f"{name} names a file that cannot be read ({type(error).__name__})."
            yield Point("files", BAD, what, "Correct the path, or unset the variable.")
        return
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        who = "every user" if mode & stat.S_IRWXO else "its group"
        yield Point(
            "files", ODD, f"{name}: the file is open to {who} (mode {mode & 0o777:o}).", f"Run: chmod 600 {path}"
        )
    else:
        yield Point("files", GOOD, f"{name}: only its owner may read the file.")


def certificate_points() -> list[Point]:
    """The checks of the variables that name certificates of authorities."""
    named = {name: path for name in _CERTIFICATES if (path := os.environ.get(name))}
    lost = [name for name, path in named.items() if not os.path.exists(path)]
    if lost:
        what = f"{', '.join(f'{name} names {named[name]}' for name in lost)}, which does not exist."
        return [Point("proxies", BAD, what, "Correct the path, or unset the variable.")]
    return [Point("proxies", GOOD, f"Certificates are read from the path in {', '.join(named)}.")] if named else []


def proxy_points(host: str) -> list[Point]:
    """The check of the proxy for requests to a host.

    Args:
        host: The host of the API, with or without its port.
    """
    proxies = {kind: url for kind, url in getproxies_environment().items() if kind in _WAYS}
    if not proxies:
        return [Point("proxies", "absent", "No proxy is set: requests go directly.")]
    if proxy_bypass(host):
        return [Point("proxies", GOOD, f"NO_PROXY has {host}: requests go there directly.")]
    url = proxies.get("https") or proxies.get("all")
    if url is None:
        return [Point("proxies", GOOD, "Only HTTP_PROXY is set. https does not use it, so requests go directly.")]
    try:
        parts = urlsplit(url)
        place = f"{parts.hostname}:{parts.port}" if parts.port else f"{parts.hostname}"
    except ValueError:
        parts, place = urlsplit(""), ""
    if not parts.scheme or not parts.hostname:
        return [Point("proxies", BAD, "HTTPS_PROXY or ALL_PROXY is not a URL.", "Write http://host:port.")]
    remedy = f"To send requests directly, add {host} to NO_PROXY."
    return [Point("proxies", GOOD, f"Requests to {host} go through the proxy {place}.", remedy)]


def versions() -> dict[str, str | None]:
    """The version of each relevant package. None if the package is not installed."""
    python = ".".join(map(str, sys.version_info[:3]))
    return {"genai-credentials": _version("genai-credentials"), "python": python} | {
        name: _version(name) for name in PACKAGES
    }


def version_points(found: dict[str, str | None]) -> list[Point]:
    """The versions in one line, and a point for each version that is not supported."""
    listed = ", ".join(f"{name} {number}" for name, number in found.items() if number)
    points = [Point("versions", GOOD, f"{listed}.")]
    sdk, wanted = found["google-genai"], _wanted("google-genai")
    if sdk and wanted and not _fits(sdk, wanted):
        what = f"google-genai {sdk} is not a tested version. The tested versions are {wanted}."
        points.append(Point("versions", ODD, what, f"Run: pip install 'google-genai{wanted}'"))
    aiohttp = found["aiohttp"]
    if aiohttp and _numbers(aiohttp) < _OLDEST_AIOHTTP:
        what = f"aiohttp {aiohttp} is too old to replace a key, so asynchronous requests use httpx."
        points.append(Point("versions", ODD, what, "Run: pip install 'aiohttp>=3.12'"))
    return points


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _wanted(name: str) -> str:
    try:
        lines = requires("genai-credentials") or []
    except PackageNotFoundError:
        return ""
    return next((line.removeprefix(name) for line in lines if re.match(rf"{name}[<>=]", line)), "")


def _fits(number: str, wanted: str) -> bool:
    lowest, end = re.search(r">=([\d.]+)", wanted), re.search(r"<([\d.]+)", wanted)
    return not (lowest and _numbers(number) < _numbers(lowest[1])) and not (
        end and _numbers(number) >= _numbers(end[1])
    )


def _numbers(number: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", number)[:3])
