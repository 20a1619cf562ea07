"""`RotationFailed`: the one error of a rotation."""

from __future__ import annotations

from typing import Any

from genai_credentials.errors import CredentialsError


class RotationFailed(CredentialsError):
    """A rotation did not come to its end; run it again when the cause is mended, and it goes on.

    Args:
        message: What happened and where.
        remedy: What to do next; empty when there is nothing to add.
        changed: Whether a key or a store is not as it was before; True as well if that is not known, since an answer
            was lost.
    """

    def __init__(self, message: str, *, remedy: str = "", changed: bool = False) -> None:
        self.changed = changed
        super().__init__(message, remedy=remedy)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.message, self.remedy, self.changed), self._notes()


def _rebuild(message: str, remedy: str, changed: bool) -> RotationFailed:
    return RotationFailed(message, remedy=remedy, changed=changed)


def failure(error: Exception, *, changed: bool) -> RotationFailed:
    """The error to raise for another one, without its frames: those may hold keys.

    Args:
        error: What ended the rotation.
        changed: Whether something had been changed before.
    """
    if not isinstance(error, CredentialsError):
        # Its text isn't repeated: that of an error which isn't ours may hold anything.
        what = f"The rotation was ended by {type(error).__name__}."
        return RotationFailed(what, remedy="Run the same again; report it if it lasts.", changed=True)
    # What this refers to is left out with the frames.
    remedy = error.remedy.removeprefix("That error is the __cause__ of this one.").strip()
    return RotationFailed(error.message, remedy=remedy, changed=changed or getattr(error, "changed", False))
