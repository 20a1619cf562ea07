"""Common parts of the events of all stores, and readers for documents from untrusted senders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol, TypeAlias

from genai_credentials.provider import Provider

Document: TypeAlias = Mapping[str, Any]


class Change(Protocol):
    """An event that says: a secret changed."""

    @property
    def version(self) -> str | None:
        """The version that is the current one after the change; None if the event does not contain it."""
        ...

    def is_about(self, provider: Provider) -> bool:
        """Whether a fetch of this provider may return a different key after the change."""
        ...


def text(document: Document, *names: str) -> str | None:
    """Return the first of these members that is a text; None if there is none."""
    return next((value for name in names if isinstance(value := document.get(name), str)), None)


def part(document: Document, name: str) -> Document:
    """Return a member that is a document; an empty document if the member is missing or of another type."""
    value = document.get(name)
    return value if isinstance(value, Mapping) else {}


def texts(value: object) -> Iterator[str]:
    """Yield the texts in a list. Other values yield nothing."""
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, str))
