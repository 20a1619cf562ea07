"""Keeps the text of a key from error reporters: errors without frames, and objects that are never pickled."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from typing import ParamSpec, Self, TypeVar

from genai_credentials.errors import CredentialsError

P = ParamSpec("P")
T = TypeVar("T")
E = TypeVar("E", bound=Exception)


def hidden(thing: T) -> Callable[[], T]:
    """Return a function that returns `thing`. Tracers read and send attributes, but not the closure of a function."""
    return lambda: thing


def sealed_call(function: Callable[P, T]) -> Callable[P, T]:
    """Decorate a function: its errors keep no local variables, because an argument may be a key in the wrong place."""

    @functools.wraps(function)
    def call(*args: P.args, **named: P.kwargs) -> T:
        try:
            return function(*args, **named)
        except Exception as error:
            problem, cause = emptied(error), error.__cause__
        del args, named
        raise problem from cause

    return call


def emptied(error: E) -> E:
    """Return the error without local variables in its frames: error reporters such as Sentry send those variables.

    An error of this library loses its frames: its message is enough. Every other error keeps its frames for debugging.
    """
    if isinstance(error, CredentialsError):
        error.__context__ = None
        return error.with_traceback(None)
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        traceback.clear_frames(current.__traceback__)
        current = current.__cause__ or current.__context__
    return error


class OfThisProcess:
    """An object that belongs to this process. A copy of it is the object itself, and it cannot be pickled."""

    __slots__ = ()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError(self._why_not_pickled())

    def __getstate__(self) -> object:
        # Serialisers other than pickle call this method. Without it they would read all attributes.
        return self.__reduce__()

    def _why_not_pickled(self) -> str:
        """The text of the error: the problem, and what to do."""
        return (
            "A client, its options and its Auth are not pickled: their key and their connections belong to this "
            "process. Create them in the other process, from a CredentialProvider that is created there: "
            "CredentialProvider.from_environment().client()."
        )
