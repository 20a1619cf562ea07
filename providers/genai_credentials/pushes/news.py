"""`news_in`: what an event says of the links of a chain, out of the envelopes that brokers put it into.

Sources: the pages of Pub/Sub, SNS, SQS and Lambda on the form of a message.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from genai_credentials.provider import Provider
from genai_credentials.pushes.aws import AWSChange
from genai_credentials.pushes.change import Change, Document
from genai_credentials.pushes.google import GoogleChange

MOST = 10_000
"""How many parts of one delivery are looked at; no broker delivers more than 1,000 messages at once."""

_ENVELOPES = (
    "message",  # Pub/Sub: a push body, a pulled message
    "receivedMessages",  # … and the answer to a pull
    "attributes",
    "Message",  # SNS
    "Sns",  # … as Lambda has it
    "Body",  # SQS
    "body",  # … as Lambda has it
    "Messages",
    "Records",
)


_CONFIRMATIONS = ("SubscriptionConfirmation", "UnsubscribeConfirmation")


class News(NamedTuple):
    """A change that a fetch would show: the numbers of the links it is about, and the version to be served now."""

    links: frozenset[int]
    version: str | None


def news_in(event: object, providers: Sequence[Provider]) -> list[News]:
    """What an event says of the secrets that these providers read; nothing where it cannot be read. Never raises."""
    try:
        changes = [change for document in _opened(event) for change in _changes(document)]
        return [News(links, change.version) for change in changes if (links := _links(change, providers))]
    except Exception:
        # Whoever can publish decides how it is built, and a mapping of somebody else's may raise anything.
        return []


def _links(change: Change, providers: Sequence[Provider]) -> frozenset[int]:
    return frozenset(number for number, provider in enumerate(providers) if change.is_about(provider))


def _changes(document: Document) -> Iterator[Change]:
    if google := GoogleChange.of(document):
        yield google
    if aws := AWSChange.of(document):
        yield aws


def _opened(event: object) -> Iterator[Document]:
    """The innermost documents of an event."""
    waiting = [event]
    for _ in range(MOST):
        if not waiting:
            return
        thing = waiting.pop()
        if isinstance(thing, (str, bytes, bytearray)):
            # A message that is no JSON hides none of the others of its delivery.
            with suppress(ValueError, RecursionError):
                waiting.append(json.loads(thing))
        elif isinstance(thing, list):
            waiting += reversed(thing)
        elif isinstance(thing, Mapping) and thing.get("Type") not in _CONFIRMATIONS:
            inside = [thing[name] for name in _ENVELOPES if name in thing]
            waiting += inside
            if not inside:
                yield thing
