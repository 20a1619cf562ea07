"""`Rotate`: the whole rotation of a key, in steps that can be repeated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from genai_credentials.errors import ConfigurationError, CredentialsError
from genai_credentials.provider import Writable
from genai_credentials.rotate.back import roll_back
from genai_credentials.rotate.course import rotate
from genai_credentials.rotate.decision import decide
from genai_credentials.rotate.failed import failure
from genai_credentials.rotate.google_session import proving_url
from genai_credentials.rotate.issuer import KeyIssuer
from genai_credentials.rotate.report import KeyStatus, RotatePlan, RotateReport
from genai_credentials.rotate.scene import look
from genai_credentials.rotate.standing import standing
from genai_credentials.rotate.stores import Stores
from genai_credentials.rotate.terms import Terms
from genai_credentials.rotate.work import Work
from genai_credentials.sources.base import refuse_a_key

T = TypeVar("T")


class Rotate:
    """Makes a new key, proves it live, stores it, and retires the one before; can be interrupted at any point.

    Nothing is kept on this machine. What was done shows in the keys and in the store, so a run that is begun anew,
    here or elsewhere, goes on where the last one ended. A key that has a successor lives on for `retire_after`
    seconds, and the first run after that deletes it.

    Args:
        store: Where the key is kept: a provider that a key can be put into.
        issuer: Who makes keys: `GoogleApiKeys`, or any `KeyIssuer`.
        also: Further places that hold the same key: all are written before anything is retired.
        retire_after: Seconds that a superseded key lives on; 0.0 means that it is deleted as soon as its successor is
            stored and proven.
        prove_for: Seconds over which a new key must be accepted, each time on a fresh connection.
        prove_timeout: Seconds after which a key that is not proven is given up and deleted.
        min_age: Seconds; a key that is younger is left alone.
        base_url: The API to prove a key at; None means GOOGLE_GEMINI_BASE_URL, else Google's.
        on_progress: Called with a text at each step; None for nobody.

    Raises:
        ConfigurationError: A place can only be read, a duration is none, or the URL is plain http to another machine.
    """

    def __init__(
        self,
        store: Writable,
        issuer: KeyIssuer,
        *,
        also: Sequence[Writable] = (),
        retire_after: float = 86_400.0,
        prove_for: float = 10.0,
        prove_timeout: float = 600.0,
        min_age: float = 0.0,
        base_url: str | None = None,
        on_progress: Callable[[str], object] | None = None,
    ) -> None:
        self._stores, self._issuer = Stores(store, also), issuer
        self._terms = Terms(retire_after, prove_for, prove_timeout, min_age)
        self._base_url = proving_url(base_url)
        self._tell = on_progress or (lambda text: None)

    def __repr__(self) -> str:
        return f"<Rotate {self._stores.primary.name} with {self._issuer.name}>"

    def plan(self) -> RotatePlan:
        """What `run` would do now. Changes nothing.

        Raises:
            RotationFailed: The store or the issuer cannot be read, or the key is not known there.
        """
        return self._sealed(lambda work: self._plan())

    def run(self, rotation_id: str | None = None) -> RotateReport:
        """Rotate, or go on with a rotation that was interrupted. A finished rotation run again rotates again.

        Args:
            rotation_id: Names the rotation, so that it is made once however often it is asked for: the id of the
                message that asks for it. None means one of its own.

        Raises:
            RotationFailed: It did not come to its end; `changed` says whether anything is not as it was before.
        """
        return self._sealed(lambda work: rotate(work, _checked_id(rotation_id)))

    def rollback(self) -> RotateReport:
        """Let the predecessor serve again: restored if need be, proven and stored. Repeated, it stays one step back.

        Raises:
            RotationFailed: There is no predecessor, or it is not accepted, or cannot be stored.
        """
        return self._sealed(roll_back)

    def status(self) -> tuple[KeyStatus, ...]:
        """How each key of the secret stands, in the order they were made.

        Raises:
            RotationFailed: The store or the issuer cannot be read, or the key is not known there.
        """
        return self._sealed(lambda work: standing(look(self._stores, self._issuer), self._issuer, self._terms))

    def _plan(self) -> RotatePlan:
        scene = look(self._stores, self._issuer)
        decision = decide(scene, self._terms)
        return RotatePlan(
            mint=decision.mint,
            taken_up=decision.taken_up,
            current=scene.current.fingerprint,
            store=tuple(store.name for store in self._stores) if decision.mint else (),
            supersede=tuple(key.id for key in decision.supersede),
            retire=tuple(key.id for key in decision.retire),
            left=tuple(key.id for key in decision.left),
            reason=decision.reason,
        )

    def _sealed(self, act: Callable[[Work], T]) -> T:
        """The result of an act; its errors keep no frames, since those below hold keys in their locals."""
        work = Work(self._stores, self._issuer, self._terms, self._base_url, self._tell)
        try:
            return act(work)
        except ConfigurationError as error:
            problem: CredentialsError = error.with_traceback(None)
        except Exception as error:
            problem = failure(error, changed=work.changed)
        raise problem


def _checked_id(rotation_id: str | None) -> str | None:
    if rotation_id is None:
        return None
    if not isinstance(rotation_id, str) or not 0 < len(rotation_id) <= 128 or not rotation_id.isprintable():
        raise ConfigurationError(
            "rotation_id is no text of 1 to 128 printable characters.", remedy="Use a message's id, or a UUID."
        )
    if " " in rotation_id:
        raise ConfigurationError("rotation_id has white space inside.", remedy="Use a message's id, or a UUID.")
    refuse_a_key(rotation_id)
    return rotation_id
