"""`KeyIssuer`, the protocol of a service that makes keys, and `IssuedKey`, its record of a key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from genai_credentials.errors import ConfigurationError
from genai_credentials.key import ApiKey
from genai_credentials.provider import refuse_a_class

Restrictions = Mapping[str, object]
"""The permitted uses of a key, in the issuer's own form. They are copied and never interpreted."""


class IssuedKey(NamedTuple):
    """An issuer's record of a key. It does not contain the key itself.

    Attributes:
        id: The key's id at its issuer.
        created: When the key was made; None if the issuer doesn't say.
        deleted: When the key was deleted; None for a live key.
        annotations: Notes of external tools, ours included.
        etag: A text that is different after each change; "" if the issuer has none.
        restrictions: The permitted uses of the key.
        service_account: The e-mail address of the service account that the key is bound to; None for no account.
    """

    id: str
    created: datetime | None = None
    deleted: datetime | None = None
    annotations: Mapping[str, str] = MappingProxyType({})
    etag: str = ""
    restrictions: Restrictions = MappingProxyType({})
    service_account: str | None = None


class Issued(NamedTuple):
    """The key that `KeyIssuer.issue` returns.

    Attributes:
        key: The issuer's record of the key. If the key is not new, it may be a deleted one.
        new: Whether this call has made the key.
    """

    key: IssuedKey
    new: bool


@runtime_checkable
class KeyIssuer(Protocol):
    """A service that makes keys and keeps a record of each key that it made.

    A deleted key can be restored for some time, and the text of a key can be read at any time. Therefore the keys
    themselves show the state of a rotation, and any machine can continue an interrupted one. Each method raises
    `RotationFailed`, with `changed` set if the issuer may have changed something.
    """

    if TYPE_CHECKING:

        @property
        def name(self) -> str:
            """The issuer's name in logs and errors. It is never secret."""
            ...

    else:
        name: str

    def find(self, key: ApiKey) -> IssuedKey | None:
        """The record of this key; None if the issuer has purged its record.

        Args:
            key: The key.

        Raises:
            RotationFailed: The issuer has no such key, or the key has another owner.
        """
        ...

    def get(self, key_id: str) -> IssuedKey | None:
        """The record of the key with this id, even if it is deleted; None if there is none."""
        ...

    def list(self) -> Sequence[IssuedKey]:
        """The records of all keys, including deleted keys that can be restored."""
        ...

    def issue(self, key_id: str, *, like: IssuedKey | None, annotations: Mapping[str, str], label: str) -> Issued:
        """Make a key with this id, or return the key that has the id already, even if it is deleted.

        Args:
            key_id: The key's id.
            like: The key whose restrictions and service account are copied; None to copy none.
            annotations: The annotations of the new key.
            label: The key's name in the issuer's console.
        """
        ...

    def read(self, key_id: str) -> ApiKey:
        """The key with this id."""
        ...

    def note(self, key_id: str, changes: Mapping[str, str | None]) -> IssuedKey:
        """Change some annotations of a key and keep the others.

        Args:
            key_id: The key's id.
            changes: The new values by name; None removes an annotation.
        """
        ...

    def retire(self, key: IssuedKey) -> None:
        """Delete the key if it has not changed since `key` was read. A deleted key stays deleted.

        Args:
            key: The key's record.
        """
        ...

    def restore(self, key_id: str) -> IssuedKey:
        """Restore a deleted key. A live key stays live."""
        ...


def checked_issuer(thing: object) -> KeyIssuer:
    """Return `thing` if it is an issuer.

    Raises:
        ConfigurationError: It lacks the name or a method of an issuer, or is a class.
    """
    refuse_a_class(thing)
    if not isinstance(thing, KeyIssuer):
        raise ConfigurationError(
            f"issuer is {type(thing).__name__}, which has not all methods of a KeyIssuer.",
            remedy='Pass GoogleApiKeys("acme"), with the id of the project that the keys belong to.',
        )
    return thing
