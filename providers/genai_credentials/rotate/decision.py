"""From a scene to what is to be done; pure, so that `plan` and `run` cannot differ."""

from __future__ import annotations

from typing import NamedTuple

from genai_credentials.rotate import naming
from genai_credentials.rotate.issuer import IssuedKey
from genai_credentials.rotate.scene import Scene, is_open
from genai_credentials.rotate.terms import Terms, spoken


class Decision(NamedTuple):
    """What a run is to do.

    Args:
        mint: The id of the key to make or to go on with; None for none.
        taken_up: Whether it is there already.
        finish: Whether the current key's rotation only has to be brought to its end.
        supersede: The keys to mark, in the order to mark them.
        put_back: Whether the current key's own mark is to be taken off.
        retire: The keys to delete, as far as is known now.
        left: The superseded keys that live on.
        reason: Why no key is made; empty if one is.
    """

    mint: str | None = None
    taken_up: bool = False
    finish: bool = False
    supersede: tuple[IssuedKey, ...] = ()
    put_back: bool = False
    retire: tuple[IssuedKey, ...] = ()
    left: tuple[IssuedKey, ...] = ()
    reason: str = ""


def decide(scene: Scene, terms: Terms, rotation_id: str | None = None) -> Decision:
    """What a run is to do.

    Args:
        scene: What was found.
        terms: The durations.
        rotation_id: Names the rotation, which is made once however often it is asked for; None for one of its own.
    """
    reason = _reason(scene, terms, rotation_id)
    return _decision(scene, terms, None if reason else scene.next_id(), reason)


def ending(scene: Scene, terms: Terms) -> Decision:
    """What a run is to do that makes no key, whatever else it finds."""
    return _decision(scene, terms, None, "")


def _decision(scene: Scene, terms: Terms, mint: str | None, reason: str) -> Decision:
    supersede = _to_supersede(scene, minting=mint is not None)
    over = [*scene.superseded(), *supersede]
    retire = [key for key in over if terms.is_due(naming.superseded_at(key))]
    return Decision(
        mint=mint,
        taken_up=mint in scene.keys,
        finish=scene.unfinished,
        supersede=supersede,
        put_back=scene.put_back,
        retire=tuple(retire),
        left=tuple(key for key in over if key not in retire),
        reason=reason,
    )


def _reason(scene: Scene, terms: Terms, rotation_id: str | None) -> str:
    held = scene.held
    if scene.unfinished:
        return "An interrupted run has stored the key; its rotation is brought to its end."
    if rotation_id and any(_is_done(scene, key, rotation_id) for key in scene.keys.values()):
        return f"The rotation {rotation_id} was done before."
    if held and held.deleted is None and terms.is_young(held.created):
        return f"The key was made less than {spoken(terms.min_age)} ago."
    return ""


def _is_done(scene: Scene, key: IssuedKey, rotation_id: str) -> bool:
    # A key that was given up is deleted, and never was superseded.
    served = key is scene.held or naming.superseded_at(key) is not None
    return served and rotation_id in naming.rotations(key)


def _to_supersede(scene: Scene, *, minting: bool) -> tuple[IssuedKey, ...]:
    held, before = scene.held, scene.predecessor
    keys = list(scene.successors(held)) if held and scene.put_back else []
    keys += [before] if before and scene.unfinished else []
    keys = [key for key in keys if is_open(key)]
    # Its own mark, if it has one, is of the time before it was put back.
    return (*keys, held) if minting and held and held.deleted is None else tuple(keys)
