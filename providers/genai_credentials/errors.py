"""The tree of errors.

    CredentialsError             anything of ours; `.remedy` says what to do next
    ├── Unavailable              absent: this provider is not set up here, the chain goes on quietly
    ├── FetchFailed              broken: it is set up and failed, the chain goes on with a warning
    │   ├── InvalidSecret        something was fetched, but it cannot be a key
    │   ├── NoSuchSecret         the store answered that it has no such secret
    │   └── MissingDependency    the package that talks to the store is not installed
    ├── PutFailed                a key could not be put into a store
    │   ├── PutConflict          somebody else wrote to the store at the same moment
    │   └── PutUnsure            the store gave no answer: it may have the key all the same
    ├── NoCredentials            every link is absent or broken; `.attempts` lists them
    ├── NoTenant                 a request that belongs to no tenant, where each must belong to one
    ├── UnknownTenant            there is no such tenant; also a LookupError
    └── ConfigurationError       the arguments cannot work; also a ValueError

No message ever holds a key: only names, versions and fingerprints.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

KEY_SHAPES = re.compile(r"AIza[\w-]{30,}|AQ\.[\w.-]{30,}|\bsk-[\w-]{32,}|\bya29\.[\w.-]{20,}|auth_tokens/[\w.-]{20,}")
"""What keys look like, and names of secrets don't: Google's kinds, a gateway's, an access token, a token of Live."""


SHORTEST_SECRET = 8
"""How long a text is that is looked for or withheld: a shorter one, like "EMPTY", is no secret and in many words."""


class CredentialsError(Exception):
    """The root of every error that this package raises.

    Args:
        message: What happened and where.
        remedy: What to do next; empty when there is nothing to add.
    """

    def __init__(self, message: str, *, remedy: str = "") -> None:
        # A key in the wrong place is repeated with it; as long as it was, for messages that point at a character.
        self.message, self.remedy = (KEY_SHAPES.sub(_stars, text) for text in (message, remedy))
        super().__init__(self.message)

    def __str__(self) -> str:
        # A message of several lines ends in a mark below a character: nothing stands beside that.
        return self.message if "\n" in self.message else f"{self.message} {self.remedy}".rstrip()

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.message, self.remedy), self._notes()

    def _notes(self) -> dict[str, object] | None:
        """What `add_note` gave it; None without any."""
        return {"__notes__": notes} if (notes := getattr(self, "__notes__", None)) else None


def _stars(found: re.Match[str]) -> str:
    return "*" * len(found[0])


def _rebuild(kind: type[CredentialsError], message: str, remedy: str) -> CredentialsError:
    return kind(message, remedy=remedy)


class Unavailable(CredentialsError):
    """The provider is absent: it is not set up on this machine."""


class FetchFailed(CredentialsError):
    """The provider is broken: it is set up here, and the fetch failed."""


class InvalidSecret(FetchFailed):
    """What was fetched cannot be a key."""


class NoSuchSecret(FetchFailed):
    """The store answered, and has no such secret: a tenant whose secret it would be is unknown."""


class MissingDependency(FetchFailed):
    """The provider needs a package that is not installed; the remedy names the extra."""


class PutFailed(CredentialsError):
    """A key could not be put into a store, which is as it was."""


class PutUnsure(PutFailed):
    """The store gave no answer, so it may have the key all the same; put again, it is not stored twice."""


class PutConflict(PutFailed):
    """Somebody else wrote to the store at the same moment; nothing of theirs is lost.

    Args:
        message: What happened and where.
        remedy: What to do next; empty when there is nothing to add.
        stored: The version that the key has all the same, where the store keeps each version that it is given; None
            when the key was not stored.
    """

    def __init__(self, message: str, *, remedy: str = "", stored: str | None = None) -> None:
        self.stored = stored
        super().__init__(message, remedy=remedy)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild_conflict, (self.message, self.remedy, self.stored), self._notes()


def _rebuild_conflict(message: str, remedy: str, stored: str | None) -> PutConflict:
    return PutConflict(message, remedy=remedy, stored=stored)


class NoTenant(CredentialsError):
    """A request belongs to no tenant; it isn't sent."""


class UnknownTenant(CredentialsError, LookupError):
    """There is no such tenant; nothing is sent."""


class ConfigurationError(CredentialsError, ValueError):
    """The arguments cannot work, whatever the stores answer."""


class Attempt(NamedTuple):
    """What one link answered when it was last asked.

    `outcome` is "serving", "absent", "broken", "rejected" (its key is in quarantine) or "unasked"; `error` is None
    where there is none.
    """

    provider: str
    outcome: str
    error: CredentialsError | None = None

    @property
    def remedy(self) -> str:
        """What to do about it; empty when there is nothing to do."""
        return self.error.remedy if self.error else ""

    def __str__(self) -> str:
        if self.error is None:
            return f"{self.provider}: {self.outcome}"
        return f"{self.provider}: {self.outcome} - {str(self.error).removeprefix(f'{self.provider}: ')}"


class NoCredentials(CredentialsError):
    """No link of the chain has a key.

    Args:
        message: What happened; made from the attempts when empty.
        remedy: What to do next; made from the attempts when empty, and never empty where there are any.
        attempts: What each link answered, in the chain's order.
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
    # A provider of somebody else's may know none.
    own = " ".join(dict.fromkeys(attempt.remedy for attempt in attempts if attempt.remedy))
    return own or (_LOOK if attempts else "")


_LOOK = "Run 'genai-credentials status' where this process runs: it asks each link, and says what is wrong with it."
