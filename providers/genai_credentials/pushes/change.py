"""What the events of all stores have in common, and how a document is read that anybody may have built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol, TypeAlias

from genai_credentials.provider import Provider

Document: TypeAlias = Mapping[str, Any]


class Change(Protocol):
    """A secret changed."""

    @property
    def version(self) -> str | None:
        """The version that is to be served now; None where the event doesn't say."""
        ...

    def is_about(self, provider: Provider) -> bool:
        """Whether a fetch of this provider may show it."""
        ...


def text(document: Document, *names: str) -> str | None:
    """The first of these members that is a text; None without one."""
    return next((value for name in names if isinstance(value := document.get(name), str)), None)


def part(document: Document, name: str) -> Document:
    """A member that is a document itself; an empty one where it is something else."""
    value = document.get(name)
    return value if isinstance(value, Mapping) else {}


def texts(value: object) -> Iterator[str]:
    """The texts in a list."""
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, str))
