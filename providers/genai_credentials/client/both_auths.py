"""`BothAuths`: the user's own Auth inside ours."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, closing
from typing import Protocol

from genai_credentials.client.backends import Request, Response, http_modules, module_of, over_http_modules
from genai_credentials.client.httpx_auth import KeyAuth
from genai_credentials.sealing import OfThisProcess


class Auth(Protocol):
    """An Auth of httpx or httpx2."""

    def sync_auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        """The flow of a synchronous request."""
        ...

    def async_auth_flow(self, request: Request) -> AsyncGenerator[Request, Response]:
        """The flow of an asynchronous request."""
        ...


class BothAuths(OfThisProcess):
    """An Auth that passes each request of our Auth through the user's Auth, which answers its own challenges.

    Args:
        ours: Our Auth.
        theirs: The user's Auth.
    """

    def __init__(self, ours: KeyAuth, theirs: Auth) -> None:
        self.ours, self._theirs = ours, theirs

    def sync_auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        """Called by httpx for a synchronous request."""
        with closing(self.ours.sync_auth_flow(request)) as ours:
            signed = next(ours)
            while True:
                response = yield from self._sent_by_theirs(signed)
                try:
                    signed = ours.send(response)
                except StopIteration:
                    return

    def _sent_by_theirs(self, signed: Request) -> Generator[Request, Response, Response]:
        with closing(self._theirs.sync_auth_flow(signed)) as theirs:
            sending = next(theirs)
            while True:
                response = yield sending
                try:
                    sending = theirs.send(response)
                except StopIteration:
                    return response

    async def async_auth_flow(self, request: Request) -> AsyncGenerator[Request, Response]:
        """Called by httpx for an asynchronous request."""
        # The flows are closed in order here, and not by the loop's finalizer, because each may hold a connection.
        async with aclosing(self.ours.async_auth_flow(request)) as ours:
            signed = await anext(ours)
            while True:
                async with aclosing(self._theirs.async_auth_flow(signed)) as theirs:
                    sending = await anext(theirs)
                    while True:
                        response = yield sending
                        try:
                            sending = await theirs.asend(response)
                        except StopAsyncIteration:
                            break
                try:
                    signed = await ours.asend(response)
                except StopAsyncIteration:
                    return


class _FunctionAuth:
    """The Auth that httpx makes of a callable `auth`. httpx exports no class for it."""

    def __init__(self, function: Callable[[Request], Request]) -> None:
        self._function = function

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        """Called by httpx."""
        yield self._function(request)


def both(ours: KeyAuth, theirs: object) -> object:
    """Our Auth with the user's Auth inside; our Auth alone if the user has none.

    Args:
        ours: Our Auth.
        theirs: The user's Auth, in any form that httpx accepts; None for none.
    """
    if theirs is None:
        return ours
    # The SDK chooses between httpx and httpx2 by the first base class. With this order it chooses as for the user's
    # Auth alone.
    first = module_of(theirs)
    if isinstance(theirs, tuple):
        theirs = http_modules()[0].BasicAuth(*theirs[:2])
    elif not hasattr(theirs, "sync_auth_flow"):
        theirs = over_http_modules(_FunctionAuth, "Auth")(theirs)
    auth: object = over_http_modules(BothAuths, "Auth", first)(ours, theirs)
    return auth
