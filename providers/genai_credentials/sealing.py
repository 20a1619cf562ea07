"""What keeps a key's text from reporters: calls whose errors keep no frames, and things that stay in this process."""

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
    """A function that returns the thing: tracers walk over attributes and send them along, and none leads to this."""
    return lambda: thing


def sealed_call(function: Callable[P, T]) -> Callable[P, T]:
    """A call whose errors keep no frames with variables: a key in the wrong place is an argument of each of them."""

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
    """An error whose frames hold no variables: reporters such as Sentry send those along.

    One of ours says what is wrong, and loses its frames. Another keeps them, for whoever looks for the fault.
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
    """What belongs to this process: a copy of it is itself, and it is not pickled."""

    __slots__ = ()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError(self._why_not_pickled())

    def __getstate__(self) -> object:
        # Serialisers other than pickle ask for it, and walk over the attributes where there is none.
        return self.__reduce__()

    def _why_not_pickled(self) -> str:
        """What is wrong, and what to do."""
        return (
            "A client, its options and its Auth are not pickled: they belong to this process, as their key and their "
            "connections do. Make them in the other process, of a CredentialProvider that is made there: "
            "CredentialProvider.from_environment().client()."
        )
