"""`KeyIssuer`, the protocol of a place that makes keys, and `IssuedKey`, what it tells of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol

from genai_credentials.key import ApiKey

Restrictions = Mapping[str, object]
"""What a key may be used for, in the issuer's own form: it is copied, never read."""


class IssuedKey(NamedTuple):
    """A key as its issuer describes it; its text is not in it.

    Attributes:
        id: Names it among its issuer's keys.
        created: When it was made; None if the issuer doesn't say.
        deleted: When it was deleted; None for a live key.
        annotations: Notes of external tools, ours among them.
        etag: Another one after each change; "" if the issuer has none.
        restrictions: What it may be used for.
        service_account: The e-mail address of the account that it is bound to; None for none.
    """

    id: str
    created: datetime | None = None
    deleted: datetime | None = None
    annotations: Mapping[str, str] = MappingProxyType({})
    etag: str = ""
    restrictions: Restrictions = MappingProxyType({})
    service_account: str | None = None


class Issued(NamedTuple):
    """A key that was asked for, and whether it is new; one that was there before may be deleted."""

    key: IssuedKey
    new: bool


class KeyIssuer(Protocol):
    """Makes keys, and knows those it has made.

    A deleted key can be restored for a while, and a key's text can be read at any time: so what has been done so far
    shows in the keys themselves, and a rotation that was interrupted is gone on with from anywhere. Each method raises
    `RotationFailed`, with `changed` set if the issuer may have changed something.
    """

    if TYPE_CHECKING:

        @property
        def name(self) -> str:
            """What the issuer is called in logs and errors; never secret."""
            ...

    else:
        name: str

    def find(self, key: ApiKey) -> IssuedKey | None:
        """The key that has this text; None if the issuer has forgotten all but the text.

        Raises:
            RotationFailed: The key is unknown, or of another owner.
        """
        ...

    def get(self, key_id: str) -> IssuedKey | None:
        """The key of this id, deleted or not; None if there is none."""
        ...

    def list(self) -> Sequence[IssuedKey]:
        """All keys, those included that are deleted and can be restored."""
        ...

    def issue(self, key_id: str, *, like: IssuedKey | None, annotations: Mapping[str, str], label: str) -> Issued:
        """The key of this id: a new one, or the one that has it already, deleted or not.

        Args:
            key_id: Its id.
            like: The key whose restrictions and service account are copied; None for none.
            annotations: Its notes.
            label: What it is called where people see it.
        """
        ...

    def read(self, key_id: str) -> ApiKey:
        """The key itself."""
        ...

    def note(self, key_id: str, changes: Mapping[str, str | None]) -> IssuedKey:
        """Change some annotations and leave the others; None takes one away."""
        ...

    def retire(self, key: IssuedKey) -> None:
        """Delete the key, if it is still as described; one that is deleted already stays so."""
        ...

    def restore(self, key_id: str) -> IssuedKey:
        """Take back the deletion; a live key stays so."""
        ...
