"""The course of a rotation: which steps a run does, and in which order."""

from __future__ import annotations

from genai_credentials.key import ApiKey
from genai_credentials.rotate import naming
from genai_credentials.rotate.decision import Decision, decide, ending
from genai_credentials.rotate.failed import RotationFailed
from genai_credentials.rotate.issuer import IssuedKey
from genai_credentials.rotate.proof import Unproven
from genai_credentials.rotate.report import RotateReport
from genai_credentials.rotate.retirement import retire_due
from genai_credentials.rotate.scene import Scene, is_open, look
from genai_credentials.rotate.work import Overtaken, Work


def rotate(work: Work, rotation_id: str | None) -> RotateReport:
    """Complete an interrupted rotation, or make a new one. Then delete the superseded keys that are due.

    Args:
        work: The run's stores, issuer and durations.
        rotation_id: See `Rotate.run`.

    Raises:
        RotationFailed: The rotation was not completed.
    """
    scene = look(work.stores, work.issuer)
    decision = decide(scene, work.terms, rotation_id)
    mend(work, scene)
    if decision.mint is None:
        work.tell(decision.reason)
        stored = work.store(scene.current) if scene.unfinished else scene.current
        return settle(work, decision, scene.held, _found(scene, stored), rotation_id)
    key, stored = _replace(work, scene, rotation_id)
    done = RotateReport(key.id, stored.fingerprint, scene.current.fingerprint, stored.version)
    return settle(work, decision, key, done, rotation_id)


def bring_to_an_end(work: Work, rotation_id: str | None) -> RotateReport:
    """Do the last part of `rotate`: the part after the new key is stored. No new key is made.

    Args:
        work: The run's stores, issuer and durations.
        rotation_id: See `Rotate.run`.

    Raises:
        RotationFailed: A superseded key could not be marked or deleted.
    """
    scene = look(work.stores, work.issuer)
    decision = ending(scene, work.terms)
    return settle(work, decision, scene.held, _found(scene, scene.current), rotation_id)


def settle(
    work: Work, decision: Decision, serving: IssuedKey | None, done: RotateReport, rotation_id: str | None
) -> RotateReport:
    """Mark the superseded keys, delete the superseded keys that are due, and note that the rotation is complete.

    Args:
        work: The run's stores, issuer and durations.
        decision: The keys to mark and to delete.
        serving: The key that serves now; None if the issuer has no record of it any more.
        done: The report on the steps so far.
        rotation_id: See `Rotate.run`.

    Raises:
        RotationFailed: A key could not be deleted.
    """
    for key in decision.supersede:
        work.supersede(key)
    outcome = retire_due(work, (*decision.retire, *decision.left))
    # The end is noted even if a deletion failed. The next run tries the deletion again, and must not consider this
    # rotation unfinished.
    if serving and done.minted:
        work.finish(serving, rotation_id)
    if outcome.failure:
        raise outcome.failure
    return done._replace(retired=outcome.retired, left=outcome.left)


def mend(work: Work, scene: Scene) -> None:
    """If somebody has put back a superseded key by hand, mark its successors, and remove its own mark last."""
    if not scene.put_back or scene.held is None:
        return
    work.tell(f"Somebody put the key {scene.held.id} back by hand.")
    for key in scene.successors(scene.held):
        if is_open(key):
            work.supersede(key)
    work.unmark(scene.held)


def _found(scene: Scene, stored: ApiKey) -> RotateReport:
    """The report of a run that makes no key: it completes an interrupted rotation, or finds nothing to do."""
    if not scene.unfinished or scene.held is None:
        return RotateReport(None, stored.fingerprint, None, stored.version)
    before = naming.predecessors_fingerprint(scene.held)
    return RotateReport(scene.held.id, stored.fingerprint, before, stored.version)


def _replace(work: Work, scene: Scene, rotation_id: str | None) -> tuple[IssuedKey, ApiKey]:
    """Make a key, prove it and store it. Returns the issuer's record of the key, and the key as it is stored."""
    before = work.changed
    key = work.mint(scene, rotation_id)
    text = work.issuer.read(key.id)
    try:
        prove_unless_overtaken(work, text, key.id, scene.current)
        stored = work.store(text)
    except (Unproven, Overtaken) as error:
        reason = error
    else:
        work.keep_live(key)
        return key, stored
    if reason.stored:
        # For a moment this key was the newest in the store. A process may have fetched it, so it is not deleted at
        # once.
        work.supersede(key)
        raise RotationFailed(reason.message, remedy=reason.remedy, changed=True)
    raise work.give_up(key, text, reason, changed=before)


def prove_unless_overtaken(work: Work, text: ApiKey, key_id: str, current: ApiKey) -> None:
    """Prove a key, and check that nobody has stored another key in the meantime.

    Args:
        work: The run's stores, issuer and durations.
        text: The key to prove.
        key_id: The key's id at its issuer.
        current: The key that the stores held when the run began.

    Raises:
        Unproven: The API did not accept the key often enough in time.
        Overtaken: Somebody has stored another key.
    """
    work.prove(text, key_id)
    if strangers := work.strangers(current, text):
        raise Overtaken(f"{strangers[0]}: another key was stored there in the meantime. That key was kept.")
