"""Names and annotations of the keys of a secret. With them, each run finds the keys of the runs before it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from genai_credentials.key import fingerprint
from genai_credentials.rotate.issuer import IssuedKey

SECRET = "genai-credentials-secret"  # noqa: S105 - a name
"""Annotation: the digest of the key's secret."""

PREDECESSOR = "genai-credentials-predecessor"
"""Annotation of a key that a rotation made: the id of the key before it."""

ROTATION = "genai-credentials-rotation"
"""Annotation of a key that a rotation made: the ids of its rotations, separated by spaces."""

SUPERSEDED = "genai-credentials-superseded"
"""Annotation: when a successor took the key's place, as a UTC time in ISO 8601."""

FINISHED = "genai-credentials-finished"
"""Annotation of a key that a rotation made: when the rotation was completed, as a UTC time in ISO 8601."""

_KEY_ID = re.compile(r"gc-([0-9a-f]{8})-([0-9a-f]{8})(?:-(\d{1,6}))?")
_LONGEST_LABEL = 63


def digest(identity: str) -> str:
    """The first 8 hexadecimal digits of the SHA-256 of a secret's identity."""
    return fingerprint(identity)


def key_id(secret: str, predecessor: str, number: int) -> str:
    """The id of a new key.

    The id contains no date. After a crash, at midnight and in two simultaneous runs it is the same.

    Args:
        secret: The secret's digest.
        predecessor: The fingerprint of the key before it.
        number: The number of the attempt for this predecessor, from 1.
    """
    return f"gc-{secret}-{predecessor}" + (f"-{number}" if number > 1 else "")


def label(place: str, new_id: str) -> str:
    """The key's name in a console. If the store's name is too long, its end is kept, which distinguishes it best.

    Args:
        place: The name of the secret in its store.
        new_id: The key's id.
    """
    room = _LONGEST_LABEL - len(new_id) - 1
    plain = "".join(character if character.isascii() and character.isprintable() else "?" for character in place)
    return f"{plain[-room:]} {new_id}"


def predecessors_fingerprint(key: IssuedKey) -> str | None:
    """The fingerprint of the key before this one; None if no rotation made this key."""
    found = _KEY_ID.fullmatch(key.id)
    return found[2] if found else None


def belongs(key: IssuedKey, secret: str) -> bool:
    """Whether a rotation made this key for this secret, or this key served in the secret before a rotation.

    Args:
        key: The key.
        secret: The secret's digest.
    """
    found = _KEY_ID.fullmatch(key.id)
    return key.annotations.get(SECRET) == secret or (found is not None and found[1] == secret)


def is_minted(key: IssuedKey, secret: str) -> bool:
    """Whether a rotation of this secret made the key.

    Args:
        key: The key.
        secret: The secret's digest.
    """
    found = _KEY_ID.fullmatch(key.id)
    return found is not None and found[1] == secret


def superseded_at(key: IssuedKey) -> datetime | None:
    """When a successor took the key's place; None if no successor did.

    An annotation that cannot be read counts as the present time.
    """
    text = key.annotations.get(SUPERSEDED)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return datetime.now(UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def rotations(key: IssuedKey) -> frozenset[str]:
    """The ids of the rotations that made the key or continued with it."""
    return frozenset(key.annotations.get(ROTATION, "").split())


def now() -> str:
    """The present time, in the form of the annotations."""
    return datetime.now(UTC).isoformat()
