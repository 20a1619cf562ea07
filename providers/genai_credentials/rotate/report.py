"""The reports of a rotation: the finished steps, the planned steps, and the state of the keys of a secret."""

from __future__ import annotations

from typing import NamedTuple


class RotateReport(NamedTuple):
    """The result of a run. It names keys by id and fingerprint and never contains a key.

    Attributes:
        minted: The id of the key that serves now, if this run made the key or continued with it; None otherwise.
        fingerprint: The fingerprint of the key that serves now.
        previous: The fingerprint of the key that served before; None if this run did not replace a key.
        stored: The version of the serving key in its store; None if the store has no versions.
        retired: The ids of the keys that this run deleted.
        left: The ids of superseded keys that are still live. A later run deletes them.
    """

    minted: str | None
    fingerprint: str
    previous: str | None = None
    stored: str | None = None
    retired: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


class RotatePlan(NamedTuple):
    """The steps that a run would do now.

    Attributes:
        mint: The id of the key that the run would make or continue with; None if it would make none.
        taken_up: Whether an interrupted run has made that key already.
        current: The fingerprint of the key that serves now.
        store: The names of the providers that the run would write to.
        supersede: The ids of the keys that the run would mark as superseded.
        retire: The ids of the keys that the run would delete.
        left: The ids of superseded keys that would stay live. A later run deletes them.
        reason: Why the run would make no key; empty if it would make one.
    """

    mint: str | None
    taken_up: bool
    current: str
    store: tuple[str, ...] = ()
    supersede: tuple[str, ...] = ()
    retire: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    reason: str = ""


class KeyStatus(NamedTuple):
    """The state of one key of a secret.

    Attributes:
        id: The key's id.
        fingerprint: The key's fingerprint; None if the key is deleted and its successor's id does not contain it.
        state: "serving", "minted" (and not stored yet), "superseded" or "deleted".
        next: The next step for this key, in words.
    """

    id: str
    fingerprint: str | None
    state: str
    next: str
