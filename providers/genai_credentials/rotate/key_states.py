"""The state of each key of a secret, and the next step for the key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from genai_credentials.rotate import naming
from genai_credentials.rotate.errors import RotationFailed
from genai_credentials.rotate.issuer import IssuedKey, KeyIssuer
from genai_credentials.rotate.report import KeyStatus
from genai_credentials.rotate.snapshot import Snapshot
from genai_credentials.rotate.timing import Timing

_FIRST = datetime.min.replace(tzinfo=UTC)
_KEPT = timedelta(days=30)


def key_states(snapshot: Snapshot, issuer: KeyIssuer, timing: Timing) -> tuple[KeyStatus, ...]:
    """The state of each key of the secret, oldest key first.

    Args:
        snapshot: The state of the secret and its keys.
        issuer: The service that made the keys.
        timing: The durations.
    """
    keys = sorted(snapshot.keys.values(), key=lambda key: key.created or _FIRST)
    return tuple(KeyStatus(key.id, _fingerprint(snapshot, key, issuer), *_state(snapshot, key, timing)) for key in keys)


def _fingerprint(snapshot: Snapshot, key: IssuedKey, issuer: KeyIssuer) -> str | None:
    if snapshot.held is not None and key.id == snapshot.held.id:
        return snapshot.current.fingerprint
    # The id of a successor contains the fingerprint.
    named = next(filter(None, map(naming.predecessors_fingerprint, snapshot.successors(key))), None)
    if named or key.deleted is not None:
        return named
    try:
        return issuer.read(key.id).fingerprint
    except RotationFailed:
        return None


def _state(snapshot: Snapshot, key: IssuedKey, timing: Timing) -> tuple[str, str]:
    superseded = naming.superseded_at(key)
    if snapshot.held is not None and key.id == snapshot.held.id:
        return "serving", _of_serving(snapshot)
    if key.deleted is not None:
        return "deleted", f"can be restored until {_day(key.deleted + _KEPT)}"
    if superseded is None:
        begun = snapshot.begun()
        goes_on = begun is not None and begun.id == key.id
        return "minted", "the next run continues with it" if goes_on else "no run uses it: delete it by hand"
    due = superseded + timedelta(seconds=timing.retire_after)
    is_due = due <= datetime.now(UTC)
    return "superseded", "the next run deletes it" if is_due else f"a run after {_minute(due)} deletes it"


def _of_serving(snapshot: Snapshot) -> str:
    if snapshot.put_back:
        return "put back by hand: the next run marks its successor"
    if snapshot.unfinished:
        return "the next run completes its rotation"
    if snapshot.held is not None and snapshot.held.deleted is not None:
        return "deleted: rotate now"
    return "the next run makes its successor"


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d}"


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
