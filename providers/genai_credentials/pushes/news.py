"""`news_in`: which links of a chain an event concerns. The event may be in the envelopes of several brokers.

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
"""How many parts of one delivery are read. No broker delivers more than 1,000 messages at once."""

_ENVELOPES = (
    "message",  # Pub/Sub: a push body, or a pulled message
    "receivedMessages",  # Pub/Sub: the answer to a pull
    "attributes",
    "Message",  # SNS
    "Sns",  # SNS, in an event of Lambda
    "Body",  # SQS
    "body",  # SQS, in an event of Lambda
    "Messages",
    "Records",
)


_CONFIRMATIONS = ("SubscriptionConfirmation", "UnsubscribeConfirmation")


class News(NamedTuple):
    """A change that a fetch would show: the indexes of the links that it concerns, and the version to serve now."""

    links: frozenset[int]
    version: str | None


def news_in(event: object, providers: Sequence[Provider]) -> list[News]:
    """Return the changes of the secrets that these providers read; [] if the event cannot be read. Never raises.

    Args:
        event: A message, a delivery or a document of a broker, as an object or as JSON.
        providers: The links of a chain, in order.
    """
    try:
        changes = [change for document in _opened(event) for change in _changes(document)]
        return [News(links, change.version) for change in changes if (links := _links(change, providers))]
    except Exception:
        # The sender decides the content of an event, and a mapping of another library may raise any error.
        return []


def _links(change: Change, providers: Sequence[Provider]) -> frozenset[int]:
    return frozenset(number for number, provider in enumerate(providers) if change.is_about(provider))


def _changes(document: Document) -> Iterator[Change]:
    if google := GoogleChange.of(document):
        yield google
    if aws := AWSChange.of(document):
        yield aws


def _opened(event: object) -> Iterator[Document]:
    """Yield the innermost documents of an event."""
    waiting = [event]
    for _ in range(MOST):
        if not waiting:
            return
        thing = waiting.pop()
        if isinstance(thing, (str, bytes, bytearray)):
            # A message that is no JSON does not hide the other messages of its delivery.
            with suppress(ValueError, RecursionError):
                waiting.append(json.loads(thing))
        elif isinstance(thing, list):
            waiting += reversed(thing)
        elif isinstance(thing, Mapping) and thing.get("Type") not in _CONFIRMATIONS:
            inside = [thing[name] for name in _ENVELOPES if name in thing]
            waiting += inside
            if not inside:
                yield thing
