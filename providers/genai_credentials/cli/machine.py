"""What `doctor` looks at beside the chain and the API: clock, files, certificates, proxies and versions."""

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
"""From how far on a clock is told of, and from how far on AWS refuses what is signed by it."""

PACKAGES = (
    *("google-genai", "httpx2", "httpx", "aiohttp", "pydantic", "google-auth", "google-cloud-secret-manager"),
    *("boto3", "python-dotenv", "opentelemetry-api"),
)
_OLDEST_AIOHTTP = (3, 12)
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE")
_WAYS = ("https", "http", "all")


class Point(NamedTuple):
    """One thing that was looked at.

    Args:
        topic: What it belongs to, in a word.
        state: "good", "odd" (it may be meant so), "bad", or "absent" (it is not there, and need not be).
        what: It in a sentence.
        remedy: What to do about it; may be empty.
    """

    topic: str
    state: str
    what: str
    remedy: str = ""


def clock_point(ahead: float | None) -> Point:
    """How far this machine's clock is from the one of whoever answered; None if no answer named its time."""
    if ahead is None:
        return Point("clock", "absent", "No answer named its time, so the clock was not compared.")
    off = abs(ahead)
    if off < ODD_SECONDS:
        return Point("clock", GOOD, "The clock of this machine is right.")
    what = f"The clock of this machine is {off:.0f} s {'ahead' if ahead > 0 else 'behind'}."
    remedy = f"Set it: switch on NTP. From {BAD_SECONDS} s on AWS refuses requests, and TLS and logins fail too."
    return Point("clock", BAD if off >= BAD_SECONDS else ODD, what, remedy)


def file_points(providers: Sequence[Provider]) -> list[Point]:
    """Who may read the files that hold keys and logins."""
    named = [(provider.name, getattr(provider, "path", None)) for provider in providers]
    named += [
        (name, os.environ.get(name)) for name in ("GOOGLE_APPLICATION_CREDENTIALS", "AWS_SHARED_CREDENTIALS_FILE")
    ]
    found = [point for name, path in named if path for point in _file_points(name, Path(path))]
    return found or [Point("files", "absent", "No file holds a key here.")]


def _file_points(name: str, path: Path) -> Iterator[Point]:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        # An absent link is the chain's to tell.
        if not name.startswith(("file:", "dotenv:")):
            yield Point("files", BAD, f"{name} names a file that cannot be read ({type(error).__name__}).", "Mend it.")
        return
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        who = "every user" if mode & stat.S_IRWXO else "its group"
        yield Point(
            "files", ODD, f"{name}: the file is open to {who} (mode {mode & 0o777:o}).", f"Run: chmod 600 {path}"
        )
    else:
        yield Point("files", GOOD, f"{name}: only its owner may read the file.")


def certificate_points() -> list[Point]:
    """Where the certificates of authorities are read, if not in the usual place."""
    named = {name: path for name in _CERTIFICATES if (path := os.environ.get(name))}
    lost = [name for name, path in named.items() if not os.path.exists(path)]
    if lost:
        what = f"{', '.join(f'{name} names {named[name]}' for name in lost)}, which is not there."
        return [Point("proxies", BAD, what, "Mend the path, or unset the variable.")]
    return [Point("proxies", GOOD, f"Certificates are read where {', '.join(named)} says.")] if named else []


def proxy_points(host: str) -> list[Point]:
    """By way of whom requests go to a host.

    Args:
        host: The API's host, and perhaps its port.
    """
    proxies = {kind: url for kind, url in getproxies_environment().items() if kind in _WAYS}
    if not proxies:
        return [Point("proxies", "absent", "No proxy is set: requests go directly.")]
    if proxy_bypass(host):
        return [Point("proxies", GOOD, f"NO_PROXY has {host}: requests go there directly.")]
    url = proxies.get("https") or proxies.get("all")
    if url is None:
        return [Point("proxies", GOOD, "HTTP_PROXY is set, which https does not use: requests go directly.")]
    try:
        parts = urlsplit(url)
        place = f"{parts.hostname}:{parts.port}" if parts.port else f"{parts.hostname}"
    except ValueError:
        parts, place = urlsplit(""), ""
    if not parts.scheme or not parts.hostname:
        return [Point("proxies", BAD, "HTTPS_PROXY or ALL_PROXY is no URL.", "Write http://host:port.")]
    remedy = f"Add {host} to NO_PROXY if it is not meant so."
    return [Point("proxies", GOOD, f"Requests to {host} go by way of the proxy {place}.", remedy)]


def versions() -> dict[str, str | None]:
    """The version of each package that matters; None where it is not installed."""
    python = ".".join(map(str, sys.version_info[:3]))
    return {"genai-credentials": _version("genai-credentials"), "python": python} | {
        name: _version(name) for name in PACKAGES
    }


def version_points(found: dict[str, str | None]) -> list[Point]:
    """The versions in a line, and those that do not fit."""
    listed = ", ".join(f"{name} {number}" for name, number in found.items() if number)
    points = [Point("versions", GOOD, f"{listed}.")]
    sdk, wanted = found["google-genai"], _wanted("google-genai")
    if sdk and wanted and not _fits(sdk, wanted):
        points.append(Point("versions", ODD, f"google-genai {sdk} is not tested: {wanted} is.", "Install one that is."))
    aiohttp = found["aiohttp"]
    if aiohttp and _numbers(aiohttp) < _OLDEST_AIOHTTP:
        what = f"aiohttp {aiohttp} cannot swap keys, so asynchronous requests go by way of httpx."
        points.append(Point("versions", ODD, what, "pip install 'aiohttp>=3.12'"))
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
