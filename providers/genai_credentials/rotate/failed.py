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
        return _rebuild, (self.message, self.remedy, self.changed)


def _rebuild(message: str, remedy: str, changed: bool) -> RotationFailed:
    return RotationFailed(message, remedy=remedy, changed=changed)
