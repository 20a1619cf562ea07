"""The tree of errors.

    CredentialsError             every error of this library; `.remedy` says what to do next
    ├── Unavailable              absent: this provider is not set up here; the next link is asked
    ├── FetchFailed              broken: the provider is set up and failed; the next link is asked, with a warning
    │   ├── InvalidSecret        the store returned a text that cannot be a key
    │   ├── NoSuchSecret         the store answered that it has no such secret
    │   └── MissingDependency    the package for this store is not installed
    ├── PutFailed                a key could not be put into a store
    │   ├── PutConflict          somebody else wrote to the store at the same moment
    │   └── PutUnsure            the store gave no answer; it may have stored the key
    ├── NoCredentials            no link has a key; `.attempts` lists the outcome of each link
    ├── NoTenant                 a request has no tenant, and each request must have one
    ├── UnknownTenant            there is no such tenant; also a LookupError
    └── ConfigurationError       the arguments cannot work; also a ValueError

A message contains names, versions and fingerprints. It never contains a key.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

KEY_SHAPES = re.compile(r"AIza[\w-]{30,}|AQ\.[\w.-]{30,}|\bsk-[\w-]{32,}|\bya29\.[\w.-]{20,}|auth_tokens/[\w.-]{20,}")
"""The shapes of keys: keys of Google, keys of gateways, access tokens, tokens of the Live API.

No usual name of a secret has such a shape.
"""


SHORTEST_SECRET = 8
"""The least length, in characters, of a text that is treated as a secret.

A shorter text such as "EMPTY" is no secret, and removing it would damage other words.
"""


class CredentialsError(Exception):
    """The base class of every error that this package raises.

    Args:
        message: What happened and where.
        remedy: What to do next; empty if there is nothing to add.
    """

    def __init__(self, message: str, *, remedy: str = "") -> None:
        # A message may quote an argument that is a key by mistake. The stars have the length of the key, because some
        # messages point at a character.
        self.message, self.remedy = (KEY_SHAPES.sub(_stars, text) for text in (message, remedy))
        super().__init__(self.message)

    def __str__(self) -> str:
        # A message of several lines ends in a mark below a character. The remedy cannot follow on that line.
        return self.message if "\n" in self.message else f"{self.message} {self.remedy}".rstrip()

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.message, self.remedy), self._notes()

    def _notes(self) -> dict[str, object] | None:
        """The notes that `add_note` added; None if there are none."""
        return {"__notes__": notes} if (notes := getattr(self, "__notes__", None)) else None


def _stars(found: re.Match[str]) -> str:
    return "*" * len(found[0])


def _rebuild(kind: type[CredentialsError], message: str, remedy: str) -> CredentialsError:
    return kind(message, remedy=remedy)


class Unavailable(CredentialsError):
    """The provider is absent: it is not set up on this machine. The chain asks the next link."""


class FetchFailed(CredentialsError):
    """The provider is broken: it is set up here, and the fetch failed. The chain warns and asks the next link."""


class InvalidSecret(FetchFailed):
    """The fetched text cannot be a key."""


class NoSuchSecret(FetchFailed):
    """The store answered that it has no such secret. For `Tenants`, this means that the tenant is unknown."""


class MissingDependency(FetchFailed):
    """The provider needs a package that is not installed; the remedy names the extra."""


class PutFailed(CredentialsError):
    """A key could not be put into a store. The store is unchanged, except where a subclass says otherwise."""


class PutUnsure(PutFailed):
    """The store gave no answer, so it may have stored the key. Putting the key again does not store it twice."""


class PutConflict(PutFailed):
    """Somebody else wrote to the store at the same moment. Their value is not lost.

    Args:
        message: What happened and where.
        remedy: What to do next; empty if there is nothing to add.
        stored: The version under which the store keeps the key despite the conflict. None means that the key was not
            stored.
    """

    def __init__(self, message: str, *, remedy: str = "", stored: str | None = None) -> None:
        self.stored = stored
        super().__init__(message, remedy=remedy)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild_conflict, (self.message, self.remedy, self.stored), self._notes()


def _rebuild_conflict(message: str, remedy: str, stored: str | None) -> PutConflict:
    return PutConflict(message, remedy=remedy, stored=stored)


class NoTenant(CredentialsError):
    """The request has no tenant. It is not sent."""


class UnknownTenant(CredentialsError, LookupError):
    """There is no such tenant. The request is not sent."""


class ConfigurationError(CredentialsError, ValueError):
    """The arguments cannot work. The answer of a store makes no difference."""


class Attempt(NamedTuple):
    """The last outcome of one link.

    `provider` is the name of the link. `outcome` is "serving", "absent", "broken", "rejected" (the key of the link is
    in quarantine) or "unasked". `error` is the error of the link; None if there is none.
    """

    provider: str
    outcome: str
    error: CredentialsError | None = None

    @property
    def remedy(self) -> str:
        """What to do next; empty if there is nothing to do."""
        return self.error.remedy if self.error else ""

    def __str__(self) -> str:
        if self.error is None:
            return f"{self.provider}: {self.outcome}"
        return f"{self.provider}: {self.outcome} - {str(self.error).removeprefix(f'{self.provider}: ')}"


class NoCredentials(CredentialsError):
    """No link of the chain has a key.

    Args:
        message: What happened. An empty text is replaced by a list of the attempts.
        remedy: What to do next. An empty text is replaced by the remedies of the attempts.
        attempts: The last outcome of each link, in the order of the chain.
    """

    def __init__(self, message: str = "", *, remedy: str = "", attempts: Sequence[Attempt] = ()) -> None:
        self.attempts = tuple(attempts)
        super().__init__(message or _report(self.attempts), remedy=remedy or _remedies(self.attempts))

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild_no_credentials, (self.message, self.remedy, self.attempts), self._notes()


def _rebuild_no_credentials(message: str, remedy: str, attempts: Sequence[Attempt]) -> NoCredentials:
    return NoCredentials(message, remedy=remedy, attempts=attempts)


def _report(attempts: Sequence[Attempt]) -> str:
    lines = [f"  {number}. {attempt}" for number, attempt in enumerate(attempts, 1)]
    return "\n".join(["No provider of the chain has an API key:", *lines])


def _remedies(attempts: Sequence[Attempt]) -> str:
    # A provider from another package may raise errors without a remedy.
    own = " ".join(dict.fromkeys(attempt.remedy for attempt in attempts if attempt.remedy))
    return own or (_LOOK if attempts else "")


_LOOK = "Run 'genai-credentials status' on the machine of this process: it asks each link and shows its problem."
