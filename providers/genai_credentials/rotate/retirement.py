"""Deletes keys whose time has come, and never the one that serves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from genai_credentials.rotate import naming
from genai_credentials.rotate.failed import RotationFailed
from genai_credentials.rotate.issuer import IssuedKey
from genai_credentials.rotate.stores import newest
from genai_credentials.rotate.work import GO_ON, Work


class Retired(NamedTuple):
    """What came of it: the ids of the keys that were deleted, and of those left for later; what failed, or None."""

    retired: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    failure: RotationFailed | None = None


def retire_due(work: Work, candidates: Iterable[IssuedKey]) -> Retired:
    """Delete each superseded key that has lived on for long enough.

    Args:
        work: What the run works with.
        candidates: The keys to look at; each one is read again.
    """
    retired: list[str] = []
    left: list[str] = []
    failure: RotationFailed | None = None
    for candidate in candidates:
        if not work.terms.is_due(naming.superseded_at(candidate)):
            left.append(candidate.id)
            continue
        key = work.issuer.get(candidate.id)
        if key is None or key.deleted is not None or naming.superseded_at(key) is None:
            continue
        try:
            done = failure is None and _retire(work, key)
        except RotationFailed as error:
            failure, done = _explained(key, error), False
        (retired if done else left).append(key.id)
    return Retired(tuple(retired), tuple(left), failure)


def _retire(work: Work, key: IssuedKey) -> bool:
    """Delete a key, unless it serves; whether it is deleted now."""
    if _serves(work, key):
        return False
    work.tell(f"Deleting the key {key.id}, which was superseded before.")
    work.issuer.retire(key)
    work.changed = True
    if not _serves(work, key):
        return True
    # Put back by hand in that very moment.
    work.issuer.restore(key.id)
    return False


def _serves(work: Work, key: IssuedKey) -> bool:
    """Whether a place holds this key, as it is now."""
    found = [work.issuer.find(text) for text in {newest(store) for store in work.stores}]
    return key.id in {one.id for one in found if one}


def _explained(key: IssuedKey, error: RotationFailed) -> RotationFailed:
    message = f"The superseded key {key.id} could not be deleted. {error.message}"
    return RotationFailed(message, remedy=f"{error.remedy} {GO_ON}".strip(), changed=True)
