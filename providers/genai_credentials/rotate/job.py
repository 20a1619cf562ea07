"""`Rotate`, the whole rotation of a key, in steps that can be repeated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from genai_credentials.adapter import is_coroutine_function
from genai_credentials.errors import ConfigurationError, CredentialsError
from genai_credentials.key import refuse_a_key
from genai_credentials.log import logger
from genai_credentials.provider import Writable
from genai_credentials.rotate.actions import Actions
from genai_credentials.rotate.decision import decide
from genai_credentials.rotate.errors import failure
from genai_credentials.rotate.google_session import proving_url
from genai_credentials.rotate.issuer import KeyIssuer, checked_issuer
from genai_credentials.rotate.key_states import key_states
from genai_credentials.rotate.report import KeyStatus, RotatePlan, RotateReport
from genai_credentials.rotate.rollback import roll_back
from genai_credentials.rotate.rotation import rotate
from genai_credentials.rotate.snapshot import look
from genai_credentials.rotate.stores import Stores
from genai_credentials.rotate.timing import Timing

T = TypeVar("T")


class Rotate:
    """Makes a new key, proves it, stores it, and retires the key before it. It can be interrupted at any point.

    Nothing is kept on this machine. The keys and the store show which steps are done. After an interruption, the next
    run continues, on this machine or on another one. A superseded key stays live for `retire_after` seconds. The first
    run after that time deletes it.

    Args:
        store: The store of the key: a provider that a key can be put into.
        issuer: The service that makes keys: `GoogleApiKeys`, or any `KeyIssuer`.
        also: Further stores that hold the same key. All stores are written before any key is retired.
        retire_after: Seconds that a superseded key stays live. 0.0 means that it is deleted as soon as its successor is
            proven and stored.
        prove_for: Seconds over which the API must accept a new key, each time on a fresh connection.
        prove_timeout: Seconds after which an unproven key is given up and deleted.
        min_age: Seconds. A key that is younger is not rotated.
        base_url: The API at which a key is proven; None means GOOGLE_GEMINI_BASE_URL, else Google's.
        on_progress: Called with a text at each step; None for no calls. Its errors are logged.

    Raises:
        ConfigurationError: A store can only be read, a duration is not valid, or the URL is plain http to another
            machine.
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
        self._stores, self._issuer = Stores(store, also), checked_issuer(issuer)
        self._timing = Timing(retire_after, prove_for, prove_timeout, min_age)
        self._base_url = proving_url(base_url)
        self._tell = _checked_listener(on_progress)

    def __repr__(self) -> str:
        return f"<Rotate {self._stores.primary.name} with {self._issuer.name}>"

    def plan(self) -> RotatePlan:
        """The steps that `run` would do now. Changes nothing.

        Raises:
            RotationFailed: The store or the issuer cannot be read, or the issuer has no such key.
        """
        return self._sealed(lambda actions: self._plan())

    def run(self, rotation_id: str | None = None) -> RotateReport:
        """Rotate the key, or continue an interrupted rotation.

        After a completed rotation, another run makes another rotation.

        Args:
            rotation_id: The name of the rotation, such as the id of the message that requests it. A rotation with a
                name is made once, even if it is requested again. None means a rotation without a name.

        Raises:
            RotationFailed: The rotation was not completed. Its `changed` says whether a key or a store was changed.
            ConfigurationError: `rotation_id` is not a text of 1 to 128 printable characters without spaces, or it looks
                like a key.
        """
        return self._sealed(lambda actions: rotate(actions, _checked_id(rotation_id)))

    def rollback(self) -> RotateReport:
        """Let the predecessor of the current key serve again.

        If the predecessor is deleted, it is restored first. Then it is proven and stored. A repeated rollback goes no
        further back.

        Raises:
            RotationFailed: There is no predecessor, the API does not accept it, or it cannot be stored.
        """
        return self._sealed(roll_back)

    def status(self) -> tuple[KeyStatus, ...]:
        """The state of each key of the secret, oldest key first.

        Raises:
            RotationFailed: The store or the issuer cannot be read, or the issuer has no such key.
        """
        return self._sealed(lambda actions: key_states(look(self._stores, self._issuer), self._issuer, self._timing))

    def _plan(self) -> RotatePlan:
        snapshot = look(self._stores, self._issuer)
        decision = decide(snapshot, self._timing)
        return RotatePlan(
            mint=decision.mint,
            taken_up=decision.taken_up,
            current=snapshot.current.fingerprint,
            store=tuple(store.name for store in self._stores) if decision.mint else (),
            supersede=tuple(key.id for key in decision.supersede),
            retire=tuple(key.id for key in decision.retire),
            left=tuple(key.id for key in decision.left),
            reason=decision.reason,
        )

    def _sealed(self, act: Callable[[Actions], T]) -> T:
        """The result of an act. Errors keep no frames, because those frames hold keys in their locals."""
        actions = Actions(self._stores, self._issuer, self._timing, self._base_url, self._tell)
        try:
            return act(actions)
        except ConfigurationError as error:
            problem: CredentialsError = error.with_traceback(None)
        except Exception as error:
            problem = failure(error, changed=actions.changed)
        raise problem


def _checked_listener(on_progress: Callable[[str], object] | None) -> Callable[[str], object]:
    if on_progress is None:
        return lambda text: None
    if not callable(on_progress) or is_coroutine_function(on_progress):
        raise ConfigurationError(
            "on_progress is no plain function.", remedy="Pass a function that takes a text, such as print."
        )

    def tell(text: str) -> None:
        try:
            on_progress(text)
        except Exception as error:
            logger.warning("on_progress raised %s at a step of a rotation.", type(error).__name__)

    return tell


def _checked_id(rotation_id: str | None) -> str | None:
    if rotation_id is None:
        return None
    if not isinstance(rotation_id, str) or not 0 < len(rotation_id) <= 128 or not rotation_id.isprintable():
        raise ConfigurationError(
            "rotation_id is not a text of 1 to 128 printable characters.", remedy="Use a message's id, or a UUID."
        )
    if " " in rotation_id:
        raise ConfigurationError("rotation_id contains a space.", remedy="Use a message's id, or a UUID.")
    refuse_a_key(rotation_id)
    return rotation_id
