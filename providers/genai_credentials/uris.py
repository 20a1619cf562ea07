"""Makes providers from URIs: one grammar for `GENAI_CREDENTIALS`, the command and plug-ins.

    scheme:path[?name=value&…][#field]

    env:                                 GOOGLE_API_KEY, then GEMINI_API_KEY
    env:NAME[,NAME…]                     these variables
    dotenv:PATH[#NAME,…]                 a .env file
    file:PATH[#FIELD]                    a file, bare or JSON
    google:projects/P/secrets/S[?transport=][#FIELD]
                                         Google Secret Manager; /locations/L and /versions/V as in the resource name
    aws:NAME-OR-ARN[?region=&stage=&version_id=][#FIELD]
                                         AWS Secrets Manager
    aws-agent:NAME-OR-ARN[?stage=&version_id=&port=][#FIELD]
                                         AWS Secrets Manager, through AWS's agent or Lambda extension on this machine

A FIELD that starts with "/" is a JSON Pointer: #/google/api_key.
Percent-encode a character with a special meaning. Other schemes come from entry points of the group
"genai_credentials.providers": each is a callable that takes a `ProviderURI` and returns a provider.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import entry_points
from typing import Literal, NamedTuple, Never, cast
from urllib.parse import unquote

from genai_credentials.adapter import as_provider
from genai_credentials.errors import SHORTEST_SECRET, ConfigurationError, CredentialsError
from genai_credentials.proposals import ONE_BY_ONE, SEPARATE, are_joined, in_uris, proposal
from genai_credentials.provider import Provider
from genai_credentials.sealing import sealed_call
from genai_credentials.sources.aws import AWSSecretsManager
from genai_credentials.sources.aws_agent import PORT, AWSAgent
from genai_credentials.sources.dotenv import Dotenv
from genai_credentials.sources.env import Env
from genai_credentials.sources.file import File
from genai_credentials.sources.google import GoogleSecretManager

GROUP = "genai_credentials.providers"
VARIABLE = "GENAI_CREDENTIALS"
DURATIONS = ("ttl", "max_stale", "min_refresh_interval", "fetch_timeout")
POSITIVE = ("ttl", "fetch_timeout")
_SCHEME = re.compile(r"(?=.{1,32}\Z)[^\W\d]\w*(?:-\w+)*")


class ProviderURI(NamedTuple):
    """The URI of a provider, split into its decoded parts.

    `query` maps names to values. `field` is the text after '#'; None if there is none.
    """

    text: str
    scheme: str
    path: str
    query: Mapping[str, str]
    field: str | None

    def fail(self, expected: str, at: str = "") -> Never:
        """Raise a `ConfigurationError` that points at a place in the URI.

        Args:
            expected: The expected part, in words.
            at: The wrong part, exactly as in the text; empty means the end of the text.
        """
        _fail(self.text, self.text.find(at) if at else len(self.text), expected)


@sealed_call
def parse_all(uris: Sequence[str], where: str, environ: Mapping[str, str] | None = None) -> list[Provider]:
    """Make the providers of several URIs from one place.

    Args:
        uris: The texts of the URIs.
        where: The place, for errors: the name of a variable or a field.
        environ: The variables for `env:`; None means `os.environ`.

    Raises:
        ConfigurationError: A URI is wrong. The message begins with the place.
    """
    providers: list[Provider] = []
    for number, uri in enumerate(uris, 1):
        try:
            if len(uris) > 1 and uri.endswith((",", ";", "|")):
                raise ConfigurationError(f"The URI ends with {uri[-1]!r}.", remedy=SEPARATE)
            providers.append(parse(uri, environ))
        except CredentialsError as error:
            at = f"{where}, link {number} of {len(uris)}" if len(uris) > 1 else where
            problem = ConfigurationError(f"{at}: {error.message}", remedy=error.remedy)
            break
    else:
        return providers
    # Raised outside the block: the frames of the first error hold the text, which may be a key.
    raise problem


@sealed_call
def parse(uri: str, environ: Mapping[str, str] | None = None) -> Provider:
    """Make the provider that a URI describes.

    Args:
        uri: The text of the URI.
        environ: The variables for `env:`; None means `os.environ`.

    Raises:
        ConfigurationError: The URI is wrong. The message points at the character and names the expected part.

    Examples:
        >>> parse("file:/run/secrets/gemini.json#api_key")
        <File file:/run/secrets/gemini.json#api_key>
    """
    parsed = split(uri)
    try:
        make = _SCHEMES.get(parsed.scheme) or _plug_in(parsed)
        return as_provider(_env(parsed, environ) if make is _env else make(parsed))
    except ConfigurationError as error:
        problem = ConfigurationError(error.message, remedy=in_uris(error.remedy))
    except CredentialsError:
        raise
    except Exception as error:
        said = f"{parsed.scheme}: the plug-in for this scheme raised {type(error).__name__}."
        problem = ConfigurationError(said, remedy="Check the URI. If it is right, tell the author of the plug-in.")
    # Raised outside the block: an error that isn't ours may hold a secret.
    raise problem


@sealed_call
def split(uri: str) -> ProviderURI:
    """Split a URI into its parts, without checks of its scheme. Raises like `parse`."""
    if not isinstance(uri, str):
        raise ConfigurationError(f"A provider's URI is text, not {type(uri).__name__}.", remedy=ONE_BY_ONE)
    scheme, colon, rest = uri.partition(":")
    if are_joined(uri, _SCHEMES):
        raise ConfigurationError("There are several links in one URI.", remedy=SEPARATE)
    if not colon or not _SCHEME.fullmatch(scheme):
        # The text is not quoted: without a scheme it may be the key itself, in the wrong place.
        raise ConfigurationError(
            f"A provider's URI starts with a scheme and a colon ({', '.join(sorted(_SCHEMES))}); "
            f"this text of {len(uri)} characters does not.",
            remedy=proposal(uri, _SCHEMES)
            or "If the text is the key itself, put it into GEMINI_API_KEY, and write env: here.",
        )
    for position, character in enumerate(uri):
        if character.isspace() or not character.isprintable():
            if are_joined(uri.replace(" ", ","), _SCHEMES):
                _fail(uri, position, "no white space: each URI is a separate argument", ONE_BY_ONE)
            _fail(uri, position, "no white space or control character: write it percent-encoded")
    path, _, fragment = rest.partition("#")
    path, question, query = path.partition("?")
    return ProviderURI(
        uri, scheme, _decode(uri, path), _query(uri, query) if question else {}, _decode(uri, fragment) or None
    )


@sealed_call
def settings(environ: Mapping[str, str] | None = None) -> tuple[list[str], dict[str, float]]:
    """Return the URIs and the durations (name -> seconds) that environment variables set.

    Args:
        environ: The variables; None means `os.environ`.

    Raises:
        ConfigurationError: A duration is no number of seconds, or is too low.
    """
    environ = os.environ if environ is None else environ
    durations = {}
    for name in DURATIONS:
        if text := environ.get(f"{VARIABLE}_{name.upper()}"):
            try:
                seconds = float(text)
            except ValueError:
                seconds = math.nan
            if not seconds >= 0 or (seconds == 0 and name in POSITIVE):
                lowest = "above" if name in POSITIVE else "at least"
                # A long text that is no number is not quoted: it may be a key in the wrong place.
                shown = "" if math.isnan(seconds) and len(text) >= SHORTEST_SECRET else f"={text!r}"
                raise ConfigurationError(
                    f"{VARIABLE}_{name.upper()}{shown}: a duration is a number of seconds, {lowest} 0.",
                    remedy="Write plain seconds: 300 for five minutes.",
                )
            durations[name] = seconds
    return environ.get(VARIABLE, "").split() or ["env:"], durations


def _decode(uri: str, text: str) -> str:
    for position, character in enumerate(text):
        digits = text[position + 1 : position + 3]
        if character == "%" and (len(digits) < 2 or any(digit not in "0123456789abcdefABCDEF" for digit in digits)):
            _fail(uri, uri.find(text) + position, "two hexadecimal digits after '%'")
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        _fail(uri, uri.find(text), "percent-encoded UTF-8")


def _query(uri: str, text: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for part in text.split("&"):
        name, equals, value = part.partition("=")
        if not name or not equals or not value:
            _fail(uri, uri.find("?") + 1, "name=value, with '&' between two")
        if name in values:
            _fail(uri, uri.rfind(part), f"{name} only once")
        values[name] = _decode(uri, value)
    return values


def _fail(uri: str, at: int, expected: str, remedy: str = "Correct the URI there.") -> Never:
    problem = f"The URI is wrong at character {at + 1}: expected {expected}.\n  {uri}\n  {' ' * at}^"
    raise ConfigurationError(problem, remedy=remedy)


def _plain(uri: ProviderURI) -> None:
    if uri.query:
        uri.fail(f"no '?' in a URI of {uri.scheme}:; percent-encode it as %3F if it belongs to the path", "?")


def _env(uri: ProviderURI, environ: Mapping[str, str] | None = None) -> Env:
    _plain(uri)
    if uri.field is not None:
        uri.fail("no '#': the variables stand after the colon, as in env:GEMINI_API_KEY", "#")
    return Env(*_names(uri.path), environ=environ)


def _dotenv(uri: ProviderURI) -> Dotenv:
    _plain(uri)
    return Dotenv(uri.path or ".env", *_names(uri.field or ""))


def _names(text: str) -> list[str]:
    return text.split(",") if text else []


def _file(uri: ProviderURI) -> File:
    _plain(uri)
    if not uri.path:
        uri.fail("a path after file:")
    return File(uri.path, uri.field)


def _only(uri: ProviderURI, *names: str) -> None:
    for name in uri.query:
        if name not in names:
            listed = ", ".join(f"{known}=" for known in names[:-1])
            uri.fail(f"{listed} or {names[-1]}=" if listed else f"{names[-1]}=", f"{name}=")


def _google(uri: ProviderURI) -> GoogleSecretManager:
    if not uri.path:
        uri.fail("projects/PROJECT/secrets/SECRET after google:")
    _only(uri, "transport")
    transport = uri.query.get("transport")
    if transport not in (None, "grpc", "rest"):
        uri.fail("transport=grpc or transport=rest", f"transport={transport}")
    return GoogleSecretManager(uri.path, uri.field, transport=cast(Literal["grpc", "rest"] | None, transport))


def _aws(uri: ProviderURI) -> AWSSecretsManager:
    if not uri.path:
        uri.fail("a secret's name or ARN after aws:")
    _only(uri, "region", "stage", "version_id")
    return AWSSecretsManager(uri.path, uri.field, **uri.query)


def _aws_agent(uri: ProviderURI) -> AWSAgent:
    if not uri.path:
        uri.fail("a secret's name or ARN after aws-agent:")
    _only(uri, "stage", "version_id", "port")
    query = dict(uri.query)
    port = query.pop("port", str(PORT))
    if not (port.isascii() and port.isdecimal() and 0 < int(port) < 65_536):
        uri.fail("port=, a number from 1 to 65535", f"port={port}")
    return AWSAgent(uri.path, uri.field, port=int(port), **query)


def _plug_in(uri: ProviderURI) -> Callable[[ProviderURI], object]:
    found = entry_points(group=GROUP, name=uri.scheme)
    if not found:
        installed = {point.name for point in entry_points(group=GROUP)}
        known = sorted({*_SCHEMES, *installed})
        raise ConfigurationError(
            f"The scheme of this URI (character 1) is unknown. Known schemes: {', '.join(known)}.",
            remedy=proposal(uri.text, known)
            or "Check the spelling, or install the package with this scheme. If the text is a key, remove it here.",
        )
    make: Callable[[ProviderURI], object] = next(iter(found)).load()
    return make


_SCHEMES: dict[str, Callable[[ProviderURI], object]] = {
    "aws": _aws,
    "aws-agent": _aws_agent,
    "dotenv": _dotenv,
    "env": _env,
    "file": _file,
    "google": _google,
}
