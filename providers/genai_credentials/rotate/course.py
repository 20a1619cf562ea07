"""The course of a rotation."""

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
    """Bring an interrupted rotation to its end, or make one; delete the keys whose time has come."""
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
    """What `rotate` does once the new key is stored, and no more: a key that serves already gets no successor."""
    scene = look(work.stores, work.issuer)
    decision = ending(scene, work.terms)
    return settle(work, decision, scene.held, _found(scene, scene.current), rotation_id)


def settle(
    work: Work, decision: Decision, serving: IssuedKey | None, done: RotateReport, rotation_id: str | None
) -> RotateReport:
    """Mark the keys whose place was taken, delete those whose time has come, and note the end.

    Args:
        work: What the run works with.
        decision: Which keys they are.
        serving: The key that serves now; None if its issuer has forgotten it.
        done: What was done so far.
        rotation_id: See `Rotate.run`.
    """
    for key in decision.supersede:
        work.supersede(key)
    outcome = retire_due(work, (*decision.retire, *decision.left))
    # Noted even if a deletion failed: the next run tries that again, and must not take this rotation for unfinished.
    if serving and done.minted:
        work.finish(serving, rotation_id)
    if outcome.failure:
        raise outcome.failure
    return done._replace(retired=outcome.retired, left=outcome.left)


def mend(work: Work, scene: Scene) -> None:
    """Where somebody has put a superseded key back by hand: mark what came after it, and take its own mark off last."""
    if not scene.put_back or scene.held is None:
        return
    work.tell(f"The key {scene.held.id} was put back by hand.")
    for key in scene.successors(scene.held):
        if is_open(key):
            work.supersede(key)
    work.unmark(scene.held)


def _found(scene: Scene, stored: ApiKey) -> RotateReport:
    """What is reported where no key is made: the rotation that is brought to its end, or how things stand."""
    if not scene.unfinished or scene.held is None:
        return RotateReport(None, stored.fingerprint, None, stored.version)
    before = naming.predecessors_fingerprint(scene.held)
    return RotateReport(scene.held.id, stored.fingerprint, before, stored.version)


def _replace(work: Work, scene: Scene, rotation_id: str | None) -> tuple[IssuedKey, ApiKey]:
    """Mint a key, prove it and store it; the key, and itself as it is stored."""
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
        # It has been the newest for a moment, so somebody may have it.
        work.supersede(key)
        raise RotationFailed(reason.message, remedy=reason.remedy, changed=True)
    raise work.give_up(key, text, reason, changed=before)


def prove_unless_overtaken(work: Work, text: ApiKey, key_id: str, current: ApiKey) -> None:
    """Prove a key live, and see that nobody has stored another one meanwhile.

    Raises:
        Unproven: It was not accepted.
        Overtaken: Somebody has stored another one.
    """
    work.prove(text, key_id)
    if strangers := work.strangers(current, text):
        raise Overtaken(f"{strangers[0]}: another key was stored there meanwhile, and stays.")
