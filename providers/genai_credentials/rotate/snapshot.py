"""The snapshot: the state of a secret and its keys, read before a run changes anything."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

from genai_credentials.key import ApiKey
from genai_credentials.rotate import naming
from genai_credentials.rotate.errors import RotationFailed
from genai_credentials.rotate.issuer import IssuedKey, KeyIssuer
from genai_credentials.rotate.stores import Stores, newest

_LOOKS = 3


class Snapshot(NamedTuple):
    """The state of a secret and its keys.

    Args:
        place: The identity of the secret in its store.
        current: The newest key in the secret.
        held: The issuer's record of that key; None if the issuer has purged it.
        keys: The keys of the secret by id, deleted ones included.
    """

    place: str
    current: ApiKey
    held: IssuedKey | None
    keys: dict[str, IssuedKey]

    @property
    def secret(self) -> str:
        """The digest of the secret, which the ids of its keys contain."""
        return naming.digest(self.place)

    @property
    def put_back(self) -> bool:
        """Whether the current key had a successor already and somebody has put it back by hand."""
        held = self.held
        return held is not None and naming.belongs(held, self.secret) and naming.superseded_at(held) is not None

    @property
    def unfinished(self) -> bool:
        """Whether a rotation made the current key and was not completed."""
        held = self.held
        if held is None or self.put_back or not naming.is_minted(held, self.secret):
            return False
        return naming.FINISHED not in held.annotations

    @property
    def predecessor(self) -> IssuedKey | None:
        """The key before the current key; None if it is not known."""
        return self.keys.get(self.held.annotations.get(naming.PREDECESSOR, "")) if self.held else None

    def successors(self, key: IssuedKey) -> Iterator[IssuedKey]:
        """The keys that rotations made after this key."""
        for other in self.keys.values():
            if other.annotations.get(naming.PREDECESSOR) == key.id and other.id != key.id:
                yield other

    def begun(self) -> IssuedKey | None:
        """The key that an interrupted run made after the current key; None if there is none."""
        return self.keys.get(self.next_id())

    def next_id(self) -> str:
        """The id of the key to make, or to continue with, after the current key."""
        names = (naming.key_id(self.secret, self.current.fingerprint, number) for number in count(1))
        return next(name for name in names if name not in self.keys or self.is_usable(self.keys[name]))

    def is_usable(self, key: IssuedKey) -> bool:
        """Whether a run can continue with this key, which an earlier run made after the current key."""
        # After somebody has put a key back by hand, its successors are not used.
        return not self.put_back and is_open(key)

    def superseded(self) -> list[IssuedKey]:
        """The superseded keys that are live, without the current key."""
        mine = self.held.id if self.held else ""
        live = [key for key in self.keys.values() if key.deleted is None and key.id != mine]
        return [key for key in live if naming.superseded_at(key) is not None]


def is_open(key: IssuedKey) -> bool:
    """Whether a key is live and not superseded."""
    return key.deleted is None and naming.superseded_at(key) is None


def look(stores: Stores, issuer: KeyIssuer) -> Snapshot:
    """Read the snapshot. Changes nothing.

    Args:
        stores: The stores of the key.
        issuer: The service that made the keys.

    Raises:
        RotationFailed: The issuer cannot be read or has no such key. Or the stores hold different keys. Or the primary
            store changed during each of 3 attempts.
        CredentialsError: A store cannot be read.
    """
    place = stores.identity()
    for _ in range(_LOOKS):
        snapshot = _look(place, stores, issuer)
        # A run that has just stored a successor may have marked the current key. If the store has changed, look again.
        if not snapshot.put_back or stores.newest() == snapshot.current:
            _check_also(snapshot, stores, issuer)
            return snapshot
    raise RotationFailed(
        f"{stores.primary.name}: another run keeps changing it.", remedy="Run the rotation again later."
    )


def _look(place: str, stores: Stores, issuer: KeyIssuer) -> Snapshot:
    current = stores.newest()
    held = issuer.find(current)
    secret = naming.digest(place)
    keys = {key.id: key for key in issuer.list() if naming.belongs(key, secret)}
    if held is not None:
        keys[held.id] = held
        before = held.annotations.get(naming.PREDECESSOR)
        if before and before not in keys and (found := issuer.get(before)):
            keys[before] = found
    return Snapshot(place, current, held, keys)


def _check_also(snapshot: Snapshot, stores: Stores, issuer: KeyIssuer) -> None:
    """Check that each further store holds the same key, or the key that an interrupted run has put there."""
    for store in stores.also:
        key = newest(store)
        if key == snapshot.current or _is_between(snapshot, issuer.find(key)):
            continue
        raise RotationFailed(
            f"{store.name} holds the key {key.fingerprint}, and {stores.primary.name} holds "
            f"{snapshot.current.fingerprint}. One rotation cannot change two different keys.",
            remedy="Store the same key in both with 'genai-credentials put', or leave out one of the two.",
        )


def _is_between(snapshot: Snapshot, key: IssuedKey | None) -> bool:
    begun, before = snapshot.begun(), snapshot.predecessor if snapshot.unfinished else None
    return key is not None and key.id in {other.id for other in (begun, before) if other}
