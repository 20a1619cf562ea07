"""The decision what a run does, made from a snapshot. It is pure, so `plan` and `run` always agree."""

from __future__ import annotations

from typing import NamedTuple

from genai_credentials.rotate import naming
from genai_credentials.rotate.issuer import IssuedKey
from genai_credentials.rotate.snapshot import Snapshot, is_open
from genai_credentials.rotate.timing import Timing, spoken


class Decision(NamedTuple):
    """The steps of a run.

    Args:
        mint: The id of the key to make, or to continue with; None if no key is made.
        taken_up: Whether an interrupted run has made that key already.
        finish: Whether only the end of the current key's rotation is missing.
        supersede: The keys to mark as superseded, in this order.
        put_back: Whether the mark of the current key is to be removed.
        retire: The keys to delete, according to the snapshot.
        left: The superseded keys that are not due yet.
        reason: Why no key is made; empty if a key is made.
    """

    mint: str | None = None
    taken_up: bool = False
    finish: bool = False
    supersede: tuple[IssuedKey, ...] = ()
    put_back: bool = False
    retire: tuple[IssuedKey, ...] = ()
    left: tuple[IssuedKey, ...] = ()
    reason: str = ""


def decide(snapshot: Snapshot, timing: Timing, rotation_id: str | None = None) -> Decision:
    """The decision what a run does.

    Args:
        snapshot: The state of the secret and its keys.
        timing: The durations.
        rotation_id: The name of the rotation. A rotation with a name is made once, even if it is requested again. None
            means a rotation without a name, which is always made.
    """
    reason = _reason(snapshot, timing, rotation_id)
    return _decision(snapshot, timing, None if reason else snapshot.next_id(), reason)


def ending(snapshot: Snapshot, timing: Timing) -> Decision:
    """The decision for a run that makes no key, even if a new key is due."""
    return _decision(snapshot, timing, None, "")


def _decision(snapshot: Snapshot, timing: Timing, mint: str | None, reason: str) -> Decision:
    supersede = _to_supersede(snapshot, minting=mint is not None)
    over = [*snapshot.superseded(), *supersede]
    retire = [key for key in over if timing.is_due(naming.superseded_at(key))]
    return Decision(
        mint=mint,
        taken_up=mint in snapshot.keys,
        finish=snapshot.unfinished,
        supersede=supersede,
        put_back=snapshot.put_back,
        retire=tuple(retire),
        left=tuple(key for key in over if key not in retire),
        reason=reason,
    )


def _reason(snapshot: Snapshot, timing: Timing, rotation_id: str | None) -> str:
    held = snapshot.held
    if snapshot.unfinished:
        return "An interrupted run has stored the key. This run completes its rotation."
    if rotation_id and any(_is_done(snapshot, key, rotation_id) for key in snapshot.keys.values()):
        return f"The rotation {rotation_id} was completed before."
    if held and held.deleted is None and timing.is_young(held.created):
        return f"The key was made less than {spoken(timing.min_age)} ago."
    return ""


def _is_done(snapshot: Snapshot, key: IssuedKey, rotation_id: str) -> bool:
    # A key that was given up is deleted and was never superseded.
    served = key is snapshot.held or naming.superseded_at(key) is not None
    return served and rotation_id in naming.rotations(key)


def _to_supersede(snapshot: Snapshot, *, minting: bool) -> tuple[IssuedKey, ...]:
    held, before = snapshot.held, snapshot.predecessor
    keys = list(snapshot.successors(held)) if held and snapshot.put_back else []
    keys += [before] if before and snapshot.unfinished else []
    keys = [key for key in keys if is_open(key)]
    # If the current key has a mark, the mark dates from the time before somebody put the key back.
    return (*keys, held) if minting and held and held.deleted is None else tuple(keys)
