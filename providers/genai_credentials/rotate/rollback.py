"""The rollback: the predecessor of the current key serves again."""

from __future__ import annotations

from genai_credentials.key import ApiKey
from genai_credentials.rotate import naming
from genai_credentials.rotate.actions import Actions, Overtaken
from genai_credentials.rotate.errors import RotationFailed
from genai_credentials.rotate.issuer import IssuedKey
from genai_credentials.rotate.proof import Unproven
from genai_credentials.rotate.report import RotateReport
from genai_credentials.rotate.rotation import mend, prove_unless_overtaken
from genai_credentials.rotate.snapshot import Snapshot, look


def roll_back(actions: Actions) -> RotateReport:
    """Let the predecessor serve again. If it serves already, change nothing.

    Args:
        actions: The run's stores, issuer and durations.

    Raises:
        RotationFailed: The predecessor is not known, was purged, or could not be stored.
    """
    snapshot = look(actions.stores, actions.issuer)
    begun = snapshot.begun()
    if snapshot.put_back:
        mend(actions, snapshot)
        return _report(actions, snapshot.current, None)
    if begun is not None:
        return _withdraw(actions, snapshot, begun)
    if snapshot.held and any(naming.superseded_at(key) for key in snapshot.successors(snapshot.held)):
        actions.tell("The predecessor already serves.")
        return _report(actions, snapshot.current, None)
    return _go_back(actions, snapshot)


def _withdraw(actions: Actions, snapshot: Snapshot, begun: IssuedKey) -> RotateReport:
    """Withdraw a new key that is not stored in the primary store yet."""
    stored = actions.store(snapshot.current)
    actions.supersede(begun)
    return _report(actions, stored, None)


def _go_back(actions: Actions, snapshot: Snapshot) -> RotateReport:
    before = snapshot.predecessor
    if snapshot.held is None or before is None:
        raise RotationFailed(
            f"{actions.stores.primary.name}: the key before this one is not known, or it was purged.",
            remedy="Google purges a deleted key after 30 days. Store another key with 'genai-credentials put'.",
        )
    if before.deleted is not None:
        actions.tell(f"Restoring the key {before.id}.")
        actions.issuer.restore(before.id)
        actions.changed = True
    text = actions.issuer.read(before.id)
    stored = _store(actions, snapshot.current, text, before)
    actions.supersede(snapshot.held)
    # This is the last step. Until then, a repeated run can see that this rollback was interrupted.
    actions.unmark(before)
    return _report(actions, stored, snapshot.current.fingerprint)


def _store(actions: Actions, current: ApiKey, text: ApiKey, before: IssuedKey) -> ApiKey:
    try:
        prove_unless_overtaken(actions, text, before.id, current)
        return actions.store(text)
    except (Unproven, Overtaken) as error:
        reason = error
    if before.deleted is not None and not actions.holders(text):
        fresh = actions.issuer.get(before.id)
        actions.issuer.retire(fresh or before)
        actions.changed = False
    raise RotationFailed(reason.message, remedy=reason.remedy, changed=actions.changed)


def _report(actions: Actions, stored: ApiKey, previous: str | None) -> RotateReport:
    keys = look(actions.stores, actions.issuer).superseded()
    return RotateReport(None, stored.fingerprint, previous, stored.version, left=tuple(key.id for key in keys))
