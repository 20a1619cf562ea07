"""What a rotation tells: what it did, what it would do, and how the keys of a secret stand."""

from __future__ import annotations

from typing import NamedTuple


class RotateReport(NamedTuple):
    """What a run did. Keys are named by their ids and fingerprints, never by their text.

    Attributes:
        minted: The id of the key that serves now, if this run made it or went on with it; None if it made none.
        fingerprint: The fingerprint of the key that serves now.
        previous: The fingerprint of the key that served before; None if this run put none in its place.
        stored: The version of the serving key in its store; None if the store has no versions.
        retired: The ids of the keys that this run deleted.
        left: The ids of the keys that are superseded and still live, for a later run.
    """

    minted: str | None
    fingerprint: str
    previous: str | None = None
    stored: str | None = None
    retired: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


class RotatePlan(NamedTuple):
    """What a run would do now.

    Attributes:
        mint: The id of the key that it would make, or go on with; None if it would make none.
        taken_up: Whether an interrupted run has made that key already.
        current: The fingerprint of the key that serves now.
        store: The names of the providers that it would write.
        supersede: The ids of the keys that it would mark as superseded.
        retire: The ids of the keys that it would delete.
        left: The ids of the keys that would be superseded and live on, for a later run.
        reason: Why it would make no key; empty if it would.
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
    """How one key of a secret stands.

    Attributes:
        id: Its id.
        fingerprint: Its fingerprint; None if the key is deleted and no other names it.
        state: "serving", "minted" (and not stored yet), "superseded" or "deleted".
        next: What is to come, in words.
    """

    id: str
    fingerprint: str | None
    state: str
    next: str
