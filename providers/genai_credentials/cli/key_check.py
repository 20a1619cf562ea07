"""Asks the API about the keys of a chain, and keeps each answer."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from genai_credentials.cli import meanings
from genai_credentials.cli.causes import ACCEPTED, CHECK, GATEWAY, NO_MODELS, TABLE, Meaning
from genai_credentials.cli.chains import Chain, Witness, key_document, kind_of, links_document
from genai_credentials.cli.output import Misconfigured, in_options
from genai_credentials.client.origins import origin_of
from genai_credentials.errors import ConfigurationError, CredentialsError, NoCredentials
from genai_credentials.key import ApiKey
from genai_credentials.provider import Provider
from genai_credentials.status import LinkStatus

HEADER = "x-goog-api-key"
MOST_CHARACTERS = 65_536


class Way(NamedTuple):
    """How to reach the API.

    Args:
        base_url: The base URL; None means the SDK's own.
        timeout: Seconds to wait for an answer.
        allow_plain_http: Whether the key may be sent over http:// to another machine.
    """

    base_url: str | None
    timeout: float
    allow_plain_http: bool

    def check(self) -> None:
        """Raise an error if the key may not be sent there.

        Raises:
            Misconfigured: The base URL is none, or the key would travel in the clear.
        """
        try:
            if self.base_url:
                origin_of(self.base_url, allow_plain_http=self.allow_plain_http)
        except ConfigurationError as error:
            raise Misconfigured.of(error, self.base_url) from None


class Answer(NamedTuple):
    """One answer of the API. `key` is the key of the request, or None if no link returned that key."""

    status: int
    meaning: Meaning
    key: ApiKey | None


class Asked(NamedTuple):
    """The result of asking the API.

    Args:
        provider: The name of the link; None for the whole chain.
        meaning: The meaning of the last answer.
        answers: The answers of the API, in order. There are several if keys were refused.
        links: The outcome of each link.
        keys: The keys that were fetched.
        ahead: Seconds by which the clock of this machine is ahead of the server's clock; None if no answer had a date.
    """

    provider: str | None
    meaning: Meaning
    answers: tuple[Answer, ...]
    links: tuple[LinkStatus, ...]
    keys: tuple[ApiKey, ...]
    ahead: float | None = None

    @property
    def key(self) -> ApiKey | None:
        """The key of the last answer. Without an answer, the first key that was fetched."""
        answered = self.answers[-1].key if self.answers else None
        return answered or next(iter(self.keys), None)

    @property
    def is_absent(self) -> bool:
        """Whether there was no key to ask about, because all links are absent."""
        return self.meaning.verdict == "no_key" and all(link.outcome == "absent" for link in self.links)

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "provider": self.provider,
            **self.meaning.document(),
            "key": None if self.key is None else key_document(self.key),
            "answers": [
                {
                    "status": answer.status,
                    "verdict": answer.meaning.verdict,
                    "cause": answer.meaning.cause,
                    "fingerprint": answer.key.fingerprint if answer.key else None,
                    "provider": answer.key.provider if answer.key else None,
                }
                for answer in self.answers
            ],
            "links": links_document(self.links),
        }


def ask(chain: Chain, providers: Sequence[Provider], way: Way, provider: str | None = None) -> Asked:
    """List one model with the key of these providers, through the client that an application uses.

    Args:
        chain: The chain, for its durations.
        providers: The links.
        way: How to reach the API.
        provider: The name of the link for the result; None for the whole chain.

    Raises:
        Misconfigured: The base URL is not a URL, or the key would be sent unencrypted.
    """
    witnesses = [Witness(one) for one in providers]
    seen: list[_Seen] = []
    with chain.open(*witnesses) as credentials:
        problem = _list_models(credentials, way, seen)
        links = credentials.status().links
    keys = {fingerprint: key for witness in witnesses for fingerprint, key in witness.keys.items()}
    texts = {key.get_secret_value(): key for key in keys.values()}
    answers = tuple(_answer(one.status, one.body, texts.get(one.text or "")) for one in seen)
    meaning = problem or answers[-1].meaning
    meaning = meaning._replace(run=_next(meaning, way, each=provider is not None))
    ahead = seen[-1].ahead if seen else None
    return Asked(provider, meaning, answers, links, tuple(keys.values()), ahead)


class _Seen(NamedTuple):
    """An answer as it arrived: the text of the key, the status, the body, and the seconds that our clock is ahead."""

    text: str | None
    status: int
    body: str
    ahead: float | None


def _ahead(date: str | None) -> float | None:
    try:
        return time.time() - parsedate_to_datetime(date or "").timestamp()
    except (ValueError, OverflowError):
        return None


def _answer(status: int, body: str, key: ApiKey | None) -> Answer:
    meaning = _meaning(status, body)
    return Answer(status, meanings.as_sent(meaning, kind_of(key)) if key else meaning, key)


def _next(meaning: Meaning, way: Way, *, each: bool) -> tuple[tuple[str, str], ...]:
    """The commands to run next, without the command that ran. The gateway's URL is filled in if it has only a host."""
    bare = way.base_url and urlsplit(way.base_url).path in ("", "/") and "@" not in way.base_url
    kept = [
        (command, tells) for command, tells in meaning.run if command != CHECK[0] and not (each and "--each" in command)
    ]
    return tuple(
        (command.replace(GATEWAY, way.base_url) if bare and way.base_url else command, tells) for command, tells in kept
    )


def _list_models(credentials: Any, way: Way, seen: list[_Seen]) -> Meaning | None:
    """Ask the API, and note each answer in `seen`. Return the meaning of the error if there was no answer."""
    from google.genai import errors

    options: dict[str, Any] = {
        "timeout": round(way.timeout * 1000),
        "client_args": {"event_hooks": {"response": [partial(_note, seen)]}},
        **({"base_url": way.base_url} if way.base_url else {}),
    }
    try:
        with credentials.client(http_options=options, allow_plain_http=way.allow_plain_http) as client:
            next(iter(client.models.list(config={"page_size": 1})), None)
    except errors.APIError:
        pass
    except ConfigurationError as error:
        raise Misconfigured.of(error, way.base_url) from None
    except NoCredentials:
        return TABLE["no_key"]._replace(remedy="", run=())
    except CredentialsError as error:
        return TABLE["no_key"]._replace(title=error.message, causes=(), remedy=in_options(error.remedy))
    except Exception as error:
        return None if seen else meanings.of_exception(error)
    return None if seen else TABLE["other_status"]


def _note(seen: list[_Seen], response: Any) -> None:
    if 300 <= response.status_code < 400:
        return
    response.read()
    text, ahead = response.request.headers.get(HEADER), _ahead(response.headers.get("date"))
    seen.append(_Seen(text, response.status_code, response.text[:MOST_CHARACTERS], ahead))


def _meaning(status: int, body: str) -> Meaning:
    if status >= 300:
        return meanings.of_answer(status, body)
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return NO_MODELS
    if isinstance(document, dict) and isinstance(document.get("models"), list):
        return ACCEPTED
    # Some gateways report an error with status 200.
    said = meanings.of_text(body) if isinstance(document, dict) and "error" in document else None
    return NO_MODELS if said is None or said.verdict == "unknown" else said
