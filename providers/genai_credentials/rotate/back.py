"""The rollback: the predecessor of the current key serves again."""

from __future__ import annotations

from genai_credentials.key import ApiKey
from genai_credentials.rotate import naming
from genai_credentials.rotate.course import mend, prove_unless_overtaken
from genai_credentials.rotate.failed import RotationFailed
from genai_credentials.rotate.issuer import IssuedKey
from genai_credentials.rotate.proof import Unproven
from genai_credentials.rotate.report import RotateReport
from genai_credentials.rotate.scene import Scene, look
from genai_credentials.rotate.work import Overtaken, Work


def roll_back(work: Work) -> RotateReport:
    """Let the predecessor serve again. If it serves already, change nothing.

    Args:
        work: The run's stores, issuer and durations.

    Raises:
        RotationFailed: The predecessor is not known, was purged, or could not be stored.
    """
    scene = look(work.stores, work.issuer)
    begun = scene.begun()
    if scene.put_back:
        mend(work, scene)
        return _report(work, scene.current, None)
    if begun is not None:
        return _withdraw(work, scene, begun)
    if scene.held and any(naming.superseded_at(key) for key in scene.successors(scene.held)):
        work.tell("The predecessor already serves.")
        return _report(work, scene.current, None)
    return _go_back(work, scene)


def _withdraw(work: Work, scene: Scene, begun: IssuedKey) -> RotateReport:
    """Withdraw a new key that is not stored in the primary store yet."""
    stored = work.store(scene.current)
    work.supersede(begun)
    return _report(work, stored, None)


def _go_back(work: Work, scene: Scene) -> RotateReport:
    before = scene.predecessor
    if scene.held is None or before is None:
        raise RotationFailed(
            f"{work.stores.primary.name}: the key before this one is not known, or it was purged.",
            remedy="Google purges a deleted key after 30 days. Store another key with 'genai-credentials put'.",
        )
    if before.deleted is not None:
        work.tell(f"Restoring the key {before.id}.")
        work.issuer.restore(before.id)
        work.changed = True
    text = work.issuer.read(before.id)
    stored = _store(work, scene.current, text, before)
    work.supersede(scene.held)
    # This is the last step. Until then, a repeated run can see that this rollback was interrupted.
    work.unmark(before)
    return _report(work, stored, scene.current.fingerprint)


def _store(work: Work, current: ApiKey, text: ApiKey, before: IssuedKey) -> ApiKey:
    try:
        prove_unless_overtaken(work, text, before.id, current)
        return work.store(text)
    except (Unproven, Overtaken) as error:
        reason = error
    if before.deleted is not None and not work.holders(text):
        fresh = work.issuer.get(before.id)
        work.issuer.retire(fresh or before)
        work.changed = False
    raise RotationFailed(reason.message, remedy=reason.remedy, changed=work.changed)


def _report(work: Work, stored: ApiKey, previous: str | None) -> RotateReport:
    keys = look(work.stores, work.issuer).superseded()
    return RotateReport(None, stored.fingerprint, previous, stored.version, left=tuple(key.id for key in keys))
