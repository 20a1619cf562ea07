"""How the keys of a secret are named and noted, so that every run finds the keys of those before it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from genai_credentials.key import fingerprint
from genai_credentials.rotate.issuer import IssuedKey

SECRET = "genai-credentials-secret"  # noqa: S105 - a name
"""Annotation: the digest of the secret that the key belongs to."""

PREDECESSOR = "genai-credentials-predecessor"
"""Annotation of a key that was minted: the id of the key before it."""

ROTATION = "genai-credentials-rotation"
"""Annotation of a key that was minted: the ids of the rotations that have worked on it, with spaces in between."""

SUPERSEDED = "genai-credentials-superseded"
"""Annotation: when a successor took the key's place, as a UTC time in ISO 8601."""

FINISHED = "genai-credentials-finished"
"""Annotation of a key that was minted: when its rotation came to its end."""

_KEY_ID = re.compile(r"gc-([0-9a-f]{8})-([0-9a-f]{8})(?:-(\d{1,6}))?")
_LONGEST_LABEL = 63


def digest(identity: str) -> str:
    """8 hexadecimal digits that stand for a secret, by what its store calls it."""
    return fingerprint(identity)


def key_id(secret: str, predecessor: str, number: int) -> str:
    """The id of a key that is to be minted.

    There is no date in it: after a crash, at midnight and in two runs at once it is the same.

    Args:
        secret: The secret's digest.
        predecessor: The fingerprint of the key before it.
        number: From 1: which of those that were tried in this place.
    """
    return f"gc-{secret}-{predecessor}" + (f"-{number}" if number > 1 else "")


def label(place: str, new_id: str) -> str:
    """What the key is called in a console; the part of the place that tells most is its end."""
    room = _LONGEST_LABEL - len(new_id) - 1
    plain = "".join(character if character.isascii() and character.isprintable() else "?" for character in place)
    return f"{plain[-room:]} {new_id}"


def predecessors_fingerprint(key: IssuedKey) -> str | None:
    """The fingerprint of the key before one that was minted; None for a key made in another way."""
    found = _KEY_ID.fullmatch(key.id)
    return found[2] if found else None


def belongs(key: IssuedKey, secret: str) -> bool:
    """Whether a key was minted for a secret, or has served in it before such a one."""
    found = _KEY_ID.fullmatch(key.id)
    return key.annotations.get(SECRET) == secret or (found is not None and found[1] == secret)


def is_minted(key: IssuedKey, secret: str) -> bool:
    """Whether a rotation of this secret has minted the key."""
    found = _KEY_ID.fullmatch(key.id)
    return found is not None and found[1] == secret


def superseded_at(key: IssuedKey) -> datetime | None:
    """When a successor took the key's place; None if none did. A note that can't be read counts as one of now."""
    text = key.annotations.get(SUPERSEDED)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return datetime.now(UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def rotations(key: IssuedKey) -> frozenset[str]:
    """The ids of the rotations that have made the key, or gone on with it."""
    return frozenset(key.annotations.get(ROTATION, "").split())


def now() -> str:
    """This moment, as the annotations have it."""
    return datetime.now(UTC).isoformat()
