"""`RotationFailed`, the error of a rotation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from genai_credentials.errors import CredentialsError


class RotationFailed(CredentialsError):
    """A rotation was not completed. Run the rotation again when the cause is fixed: the run continues from there.

    Args:
        message: What happened and where.
        remedy: What to do next; empty when there is nothing to add.
        changed: Whether a key or a store was changed. Also True if an answer was lost and the result is not known.
    """

    def __init__(self, message: str, *, remedy: str = "", changed: bool = False) -> None:
        self.changed = changed
        super().__init__(message, remedy=remedy)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.message, self.remedy, self.changed), self._notes()


@contextmanager
def after_a_change() -> Iterator[None]:
    """A block that follows a call which was carried out. Each `RotationFailed` that leaves it has `changed` set."""
    try:
        yield
    except RotationFailed as error:
        error.changed = True
        raise


def _rebuild(message: str, remedy: str, changed: bool) -> RotationFailed:
    return RotationFailed(message, remedy=remedy, changed=changed)


def failure(error: Exception, *, changed: bool) -> RotationFailed:
    """The `RotationFailed` to raise for another error, without that error's frames, which may hold keys.

    Args:
        error: The error that ended the rotation.
        changed: Whether something was changed before the error.
    """
    if not isinstance(error, CredentialsError):
        # The text of a foreign error is not repeated: it may contain a key.
        what = f"An error ended the rotation: {type(error).__name__}."
        return RotationFailed(what, remedy="Run the rotation again. If the error repeats, report it.", changed=True)
    # This sentence refers to a cause that is left out together with the frames.
    remedy = error.remedy.removeprefix("That error is the __cause__ of this one.").strip()
    return RotationFailed(error.message, remedy=remedy, changed=changed or getattr(error, "changed", False))
