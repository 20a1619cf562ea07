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
        """The synchronous way."""
        ...

    def async_auth_flow(self, request: Request) -> AsyncGenerator[Request, Response]:
        """The asynchronous way."""
        ...


class BothAuths(OfThisProcess):
    """Theirs sees each request that ours sends, and answers their own challenges."""

    def __init__(self, ours: KeyAuth, theirs: Auth) -> None:
        self.ours, self._theirs = ours, theirs

    def sync_auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        """The synchronous driver, called by httpx."""
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
        """The asynchronous driver, called by httpx."""
        # Closed in order, and not by the loop's finalizer: each may hold a connection.
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
    """What httpx makes of a callable `auth`; it exports no class for that."""

    def __init__(self, function: Callable[[Request], Request]) -> None:
        self._function = function

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        """Called by httpx."""
        yield self._function(request)


def both(ours: KeyAuth, theirs: object) -> object:
    """Our Auth with the user's inside, in any form that httpx takes one; ours alone without it."""
    if theirs is None:
        return ours
    # By the first of its bases the SDK chooses between httpx and httpx2, as it would by theirs alone.
    first = module_of(theirs)
    if isinstance(theirs, tuple):
        theirs = http_modules()[0].BasicAuth(*theirs[:2])
    elif not hasattr(theirs, "sync_auth_flow"):
        theirs = over_http_modules(_FunctionAuth, "Auth")(theirs)
    auth: object = over_http_modules(BothAuths, "Auth", first)(ours, theirs)
    return auth
