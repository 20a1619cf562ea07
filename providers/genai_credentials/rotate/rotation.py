"""The course of a rotation: which steps a run does, and in which order."""

from __future__ import annotations

from genai_credentials.key import ApiKey
from genai_credentials.rotate import naming
from genai_credentials.rotate.actions import Actions, Overtaken
from genai_credentials.rotate.decision import Decision, decide, ending
from genai_credentials.rotate.errors import RotationFailed
from genai_credentials.rotate.issuer import IssuedKey
from genai_credentials.rotate.proof import Unproven
from genai_credentials.rotate.report import RotateReport
from genai_credentials.rotate.retirement import retire_due
from genai_credentials.rotate.snapshot import Snapshot, is_open, look


def rotate(actions: Actions, rotation_id: str | None) -> RotateReport:
    """Complete an interrupted rotation, or make a new one. Then delete the superseded keys that are due.

    Args:
        actions: The run's stores, issuer and durations.
        rotation_id: See `Rotate.run`.

    Raises:
        RotationFailed: The rotation was not completed.
    """
    snapshot = look(actions.stores, actions.issuer)
    decision = decide(snapshot, actions.timing, rotation_id)
    mend(actions, snapshot)
    if decision.mint is None:
        actions.tell(decision.reason)
        stored = actions.store(snapshot.current) if snapshot.unfinished else snapshot.current
        return settle(actions, decision, snapshot.held, _found(snapshot, stored), rotation_id)
    key, stored = _replace(actions, snapshot, rotation_id)
    done = RotateReport(key.id, stored.fingerprint, snapshot.current.fingerprint, stored.version)
    return settle(actions, decision, key, done, rotation_id)


def bring_to_an_end(actions: Actions, rotation_id: str | None) -> RotateReport:
    """Do the last part of `rotate`: the part after the new key is stored. No new key is made.

    Args:
        actions: The run's stores, issuer and durations.
        rotation_id: See `Rotate.run`.

    Raises:
        RotationFailed: A superseded key could not be marked or deleted.
    """
    snapshot = look(actions.stores, actions.issuer)
    decision = ending(snapshot, actions.timing)
    return settle(actions, decision, snapshot.held, _found(snapshot, snapshot.current), rotation_id)


def settle(
    actions: Actions, decision: Decision, serving: IssuedKey | None, done: RotateReport, rotation_id: str | None
) -> RotateReport:
    """Mark the superseded keys, delete the superseded keys that are due, and note that the rotation is complete.

    Args:
        actions: The run's stores, issuer and durations.
        decision: The keys to mark and to delete.
        serving: The key that serves now; None if the issuer has no record of it any more.
        done: The report on the steps so far.
        rotation_id: See `Rotate.run`.

    Raises:
        RotationFailed: A key could not be deleted.
    """
    for key in decision.supersede:
        actions.supersede(key)
    outcome = retire_due(actions, (*decision.retire, *decision.left))
    # The end is noted even if a deletion failed. The next run tries the deletion again, and must not consider this
    # rotation unfinished.
    if serving and done.minted:
        actions.finish(serving, rotation_id)
    if outcome.failure:
        raise outcome.failure
    return done._replace(retired=outcome.retired, left=outcome.left)


def mend(actions: Actions, snapshot: Snapshot) -> None:
    """If somebody has put back a superseded key by hand, mark its successors, and remove its own mark last."""
    if not snapshot.put_back or snapshot.held is None:
        return
    actions.tell(f"Somebody put the key {snapshot.held.id} back by hand.")
    for key in snapshot.successors(snapshot.held):
        if is_open(key):
            actions.supersede(key)
    actions.unmark(snapshot.held)


def _found(snapshot: Snapshot, stored: ApiKey) -> RotateReport:
    """The report of a run that makes no key: it completes an interrupted rotation, or finds nothing to do."""
    if not snapshot.unfinished or snapshot.held is None:
        return RotateReport(None, stored.fingerprint, None, stored.version)
    before = naming.predecessors_fingerprint(snapshot.held)
    return RotateReport(snapshot.held.id, stored.fingerprint, before, stored.version)


def _replace(actions: Actions, snapshot: Snapshot, rotation_id: str | None) -> tuple[IssuedKey, ApiKey]:
    """Make a key, prove it and store it. Returns the issuer's record of the key, and the key as it is stored."""
    before = actions.changed
    key = actions.mint(snapshot, rotation_id)
    text = actions.issuer.read(key.id)
    try:
        prove_unless_overtaken(actions, text, key.id, snapshot.current)
        stored = actions.store(text)
    except (Unproven, Overtaken) as error:
        reason = error
    else:
        actions.keep_live(key)
        return key, stored
    if reason.stored:
        # For a moment this key was the newest in the store. A process may have fetched it, so it is not deleted at
        # once.
        actions.supersede(key)
        raise RotationFailed(reason.message, remedy=reason.remedy, changed=True)
    raise actions.give_up(key, text, reason, changed=before)


def prove_unless_overtaken(actions: Actions, text: ApiKey, key_id: str, current: ApiKey) -> None:
    """Prove a key, and check that nobody has stored another key in the meantime.

    Args:
        actions: The run's stores, issuer and durations.
        text: The key to prove.
        key_id: The key's id at its issuer.
        current: The key that the stores held when the run began.

    Raises:
        Unproven: The API did not accept the key often enough in time.
        Overtaken: Somebody has stored another key.
    """
    actions.prove(text, key_id)
    if strangers := actions.strangers(current, text):
        raise Overtaken(f"{strangers[0]}: another key was stored there in the meantime. That key was kept.")
