"""`news_in`: what an event says of the links of a chain, out of the envelopes that brokers put it into.

Sources: the pages of Pub/Sub, SNS, SQS and Lambda on the form of a message.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from genai_credentials.provider import Provider
from genai_credentials.pushes.aws import AWSChange
from genai_credentials.pushes.change import Change, Document
from genai_credentials.pushes.google import GoogleChange

DEEPEST = 12
"""How many envelopes, lists and texts there may be, one in the other."""

MOST = 1_000
"""How many messages of one delivery are looked at; no broker delivers more at once."""

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


class News(NamedTuple):
    """A change that a fetch would show: the numbers of the links it is about, and the version to be served now."""

    links: frozenset[int]
    version: str | None


def news_in(event: object, providers: Sequence[Provider]) -> list[News]:
    """What an event says of the secrets that these providers read; nothing where it cannot be read. Never raises."""
    try:
        changes = [change for document in islice(_opened(event, DEEPEST), MOST) for change in _changes(document)]
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


def _opened(event: object, depth: int) -> Iterator[Document]:
    """The innermost documents of an event."""
    if depth == 0:
        return
    if isinstance(event, (str, bytes, bytearray)):
        try:
            event = json.loads(event)
        except ValueError:
            # A message that is no JSON hides none of the others of its delivery.
            return
        yield from _opened(event, depth - 1)
    elif isinstance(event, list):
        for item in event:
            yield from _opened(item, depth - 1)
    elif isinstance(event, Mapping):
        yield from _out_of(event, depth)


def _out_of(event: Document, depth: int) -> Iterator[Document]:
    if event.get("Type") in ("SubscriptionConfirmation", "UnsubscribeConfirmation"):
        return
    inside = [event[name] for name in _ENVELOPES if name in event]
    if not inside:
        yield event
    for content in inside:
        yield from _opened(content, depth - 1)
