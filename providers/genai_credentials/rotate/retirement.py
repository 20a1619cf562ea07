"""Deletes superseded keys that are due. It never deletes the key that serves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from genai_credentials.rotate import naming
from genai_credentials.rotate.actions import GO_ON, Actions
from genai_credentials.rotate.errors import RotationFailed
from genai_credentials.rotate.issuer import IssuedKey
from genai_credentials.rotate.stores import newest


class Retired(NamedTuple):
    """The result of `retire_due`.

    Attributes:
        retired: The ids of the keys that were deleted.
        left: The ids of the superseded keys that are still live.
        failure: The error that ended the deletions; None if there was none.
    """

    retired: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    failure: RotationFailed | None = None


def retire_due(actions: Actions, candidates: Iterable[IssuedKey]) -> Retired:
    """Delete each superseded key whose `retire_after` is over.

    After a failed deletion, the other keys are left for the next run. The result contains the error.

    Args:
        actions: The run's stores, issuer and durations.
        candidates: The keys to look at. Each one is read again before it is deleted.
    """
    retired: list[str] = []
    left: list[str] = []
    failure: RotationFailed | None = None
    for candidate in candidates:
        if not actions.timing.is_due(naming.superseded_at(candidate)):
            left.append(candidate.id)
            continue
        key = actions.issuer.get(candidate.id)
        if key is None or key.deleted is not None or naming.superseded_at(key) is None:
            continue
        try:
            done = failure is None and _retire(actions, key)
        except RotationFailed as error:
            failure, done = _explained(key, error), False
        (retired if done else left).append(key.id)
    return Retired(tuple(retired), tuple(left), failure)


def _retire(actions: Actions, key: IssuedKey) -> bool:
    """Delete a key unless it serves. Returns whether the key is deleted now."""
    if _serves(actions, key):
        return False
    actions.tell(f"Deleting the superseded key {key.id}.")
    actions.issuer.retire(key)
    actions.changed = True
    if not _serves(actions, key):
        return True
    # Somebody put the key back by hand at the same moment.
    actions.issuer.restore(key.id)
    return False


def _serves(actions: Actions, key: IssuedKey) -> bool:
    """Whether a store holds this key now."""
    found = [actions.issuer.find(text) for text in {newest(store) for store in actions.stores}]
    return key.id in {one.id for one in found if one}


def _explained(key: IssuedKey, error: RotationFailed) -> RotationFailed:
    message = f"The superseded key {key.id} could not be deleted. {error.message}"
    return RotationFailed(message, remedy=f"{error.remedy} {GO_ON}".strip(), changed=True)
