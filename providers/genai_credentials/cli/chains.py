"""The chain of a verb: where the chain was set, the keys of its links, and the warnings about the chain."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import click

from genai_credentials.adapter import checked
from genai_credentials.cli.output import Misconfigured, for_a_while, know
from genai_credentials.errors import CredentialsError
from genai_credentials.key import ApiKey
from genai_credentials.provider import Provider
from genai_credentials.sources.base import DEFAULT_NAMES

if TYPE_CHECKING:
    from genai_credentials.credentials import CredentialProvider
    from genai_credentials.status import LinkStatus

KINDS = {"AIza": "standard", "AQ.": "auth", "auth_tokens/": "ephemeral", "sk-": "gateway"}
"""The beginning of a key's text -> the kind. All keys of a kind begin alike, so the beginning is not a secret."""

KIND_WORDS = {
    "standard": "a standard AIza key",
    "auth": "an AQ. key",
    "ephemeral": "an ephemeral token",
    "gateway": "a gateway's sk- token",
    "unknown": "of an unknown kind",
}
GOOGLE_HOST, VERTEX_HOST = "generativelanguage.googleapis.com", "aiplatform.googleapis.com"

uris_argument = click.argument("uris", nargs=-1, metavar="[URI]...")


class Finding(NamedTuple):
    """A warning about the set-up.

    Args:
        what: The fact, in a sentence.
        remedy: What to do next; may be empty.
    """

    what: str
    remedy: str


class Chain(NamedTuple):
    """The chain of a verb.

    Args:
        providers: The links.
        source: Where the chain was set: "arguments", "GENAI_CREDENTIALS" or "default".
        durations: The durations that `GENAI_CREDENTIALS_TTL` and the similar variables set, in seconds, by argument.
    """

    providers: tuple[Provider, ...]
    source: str
    durations: dict[str, float]

    def open(self, *providers: Any, **options: Any) -> CredentialProvider:
        """Return a `CredentialProvider` over these providers, or over the whole chain if there are none."""
        from genai_credentials.credentials import CredentialProvider

        try:
            return CredentialProvider(*(providers or self.providers), **{**self.durations, **options})
        except CredentialsError as error:
            raise Misconfigured.of(error) from None


def chain_of(uris: Sequence[str]) -> Chain:
    """Return the chain of these URIs. Without URIs it is the chain of GENAI_CREDENTIALS, and if unset, `env:`.

    Raises:
        Misconfigured: A URI or a duration is wrong, or a plug-in fails.
    """
    from genai_credentials.uris import VARIABLE, parse, parse_all, settings

    try:
        configured, durations = settings()
        providers = tuple(map(parse, uris) if uris else parse_all(configured, VARIABLE))
    except CredentialsError as error:
        raise Misconfigured.of(error) from None
    except Exception as error:
        # The text of a plug-in's error may hold a key.
        raise Misconfigured(
            f"A plug-in could not make its provider: it raised {type(error).__name__}.\n"
            "Check the URI with the plug-in's own documentation."
        ) from None
    source = "arguments" if uris else VARIABLE if os.environ.get(VARIABLE, "").split() else "default"
    return Chain(providers, source, durations)


class Witness:
    """A provider that passes each call to another provider and remembers the keys that it returned.

    Args:
        provider: The other provider.
    """

    def __init__(self, provider: Provider) -> None:
        self.name = provider.name
        self.keys: dict[str, ApiKey] = {}
        self._provider = provider

    def fetch(self, rejected: ApiKey | None = None) -> ApiKey:
        """See `Provider.fetch`."""
        return self._saw(self._provider.fetch(rejected))

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._provider, name)
        if name not in ("fetch_previous", "fetch_newer"):
            return value
        ask: Callable[[ApiKey | None], object] = value
        return lambda rejected=None: self._saw(ask(rejected))

    def _saw(self, result: object) -> ApiKey:
        key = checked(result, self._provider)
        know(key)
        self.keys[key.fingerprint] = key
        return key


def links_document(links: Sequence[LinkStatus]) -> list[dict[str, str]]:
    """What the links of a chain last answered, for machines."""
    return [
        {"provider": link.provider, "outcome": link.outcome, "reason": link.reason, "remedy": link.remedy}
        for link in links
    ]


def kind_of(key: ApiKey) -> str:
    """What kind of key it is, by how it begins: a value of `KINDS`, or "unknown"."""
    text = key.get_secret_value()
    return next((kind for start, kind in KINDS.items() if text.startswith(start)), "unknown")


def key_document(key: ApiKey) -> dict[str, Any]:
    """A key for machines: everything but the key."""
    return {
        "fingerprint": key.fingerprint,
        "kind": kind_of(key),
        "provider": key.provider,
        "version": key.version,
        "notes": list(key.notes),
    }


def key_line(key: ApiKey) -> str:
    """The line about a key for people. It does not hold the key."""
    version = f", version {short(key.version)}" if key.version else ""
    return f"key {key.fingerprint}, {KIND_WORDS[kind_of(key)]}{version}"


def short(version: str) -> str:
    """A version for people. The first part of a UUID of AWS is enough to distinguish versions."""
    return version[:8] if len(version) == 36 else version


def stored_for(provider: object) -> float | None:
    """Seconds since the file of the provider was written. None if the provider has no file."""
    try:
        return max(0.0, time.time() - os.stat(getattr(provider, "path", "")).st_mtime)
    except (OSError, TypeError, ValueError):
        return None


def age_line(key: ApiKey, provider: object) -> str:
    """The age of a key, for people."""
    stored = stored_for(provider)
    written = "" if stored is None else f"; its file was written {for_a_while(stored)} ago"
    return f"fetched {for_a_while(age_of(key))} ago{written}"


def age_of(key: ApiKey) -> float:
    """Seconds since a key was fetched."""
    return max(0.0, time.time() - key.fetched_at.timestamp())


def origin_name(base_url: str | None) -> str:
    """The host and port that requests go to. The path and the user are left out, because they may hold a token."""
    try:
        parts = urlsplit(base_url or os.environ.get("GOOGLE_GEMINI_BASE_URL") or f"https://{GOOGLE_HOST}")
    except ValueError:
        # Brackets that hold no IPv6 address.
        return "(no host)"
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        port = ""
    return f"{parts.hostname or '(no host)'}{port}"


def findings_of(chain: Chain, keys: Sequence[ApiKey], host: str | None = None) -> list[Finding]:
    """The warnings about the set-up of a chain.

    Args:
        chain: The chain.
        keys: The keys that its links returned.
        host: The host that requests go to; None if no request is sent.
    """
    found = variables_of(chain, host)
    found += [_taken_off(key) for key in keys if key.notes]
    for key in keys if host else ():
        found += _wrong_place(key, str(host))
    return list(dict.fromkeys(found))


def variables_of(chain: Chain, host: str | None = None) -> list[Finding]:
    """The warnings about the variables of the environment. The arguments are those of `findings_of`."""
    return [*_two_variables(chain.providers), *_environment(host)]


def _taken_off(key: ApiKey) -> Finding:
    what = " and ".join(key.notes)
    return Finding(
        f"{key.provider}: the key {key.fingerprint} had {what} around it.",
        "Store the bare key. This library removes the other characters, but other tools send them.",
    )


def _two_variables(providers: Sequence[Provider]) -> Iterator[Finding]:
    from genai_credentials.sources.env import Env

    first, second = DEFAULT_NAMES
    if not any(isinstance(provider, Env) and {first, second} <= {*provider.names} for provider in providers):
        return
    one, two = os.environ.get(first, ""), os.environ.get(second, "")
    if one and two and one != two:
        yield Finding(
            f"{first} ({_called(one)}) and {second} ({_called(two)}) are both set, and differ.",
            f"{first} wins, here and in the SDK. Unset the variable that you do not need, or use the URI env:{second}",
        )


def _called(text: str) -> str:
    try:
        key = ApiKey(text, provider="env")
    except CredentialsError:
        return "not a key"
    know(key)
    return key.fingerprint


def _environment(host: str | None) -> Iterator[Finding]:
    for name in ("GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GENAI_USE_ENTERPRISE"):
        if os.environ.get(name, "").lower() in ("true", "1"):
            yield Finding(
                f"{name} is set, so a stock genai.Client() uses Vertex AI. Vertex AI refuses most Gemini keys.",
                "Unset it. credentials.client() ignores it.",
            )
    if os.environ.get("GOOGLE_GEMINI_BASE_URL") and host in (None, origin_name(None)):
        yield Finding(
            f"GOOGLE_GEMINI_BASE_URL is set: requests go to {origin_name(None)}.",
            "To send requests to Google, unset it.",
        )


def _wrong_place(key: ApiKey, host: str) -> Iterator[Finding]:
    kind, google = kind_of(key), host.endswith("googleapis.com")
    whose = f"{key.provider}: the key {key.fingerprint} is {KIND_WORDS[kind]}"
    if kind in ("auth", "standard") and host.endswith(VERTEX_HOST):
        yield Finding(
            f"{whose}, and is sent to {host}. Vertex AI refuses keys of Google AI Studio.",
            f"Use the Gemini API, https://{GOOGLE_HOST}: leave the base URL out.",
        )
    elif kind == "gateway" and google:
        yield Finding(
            f"{whose}, and is sent to Google. Google has no such keys.",
            "Name the gateway with --base-url. In the application, set base_url in http_options, or "
            "GOOGLE_GEMINI_BASE_URL.",
        )
    elif kind in ("auth", "standard") and not google and not host.startswith(("127.", "localhost")):
        yield Finding(
            f"{whose}, and is sent to {host}, which is not Google.",
            "Most gateways accept only their own tokens. To send requests to Google, unset the base URL.",
        )
    if kind == "ephemeral":
        yield Finding(
            f"{whose}. It works only with the Live API, and only for minutes.", "Store a permanent key in the chain."
        )
