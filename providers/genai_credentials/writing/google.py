"""A put to Google Secret Manager. A version is added, and its number shows whether another writer added one too.

The store has no compare-and-swap. The put relies on three facts: a version by number is strongly consistent, a version
is never overwritten, and the numbers have no gaps.

Source: https://docs.cloud.google.com/secret-manager/regional-secrets/reference/consistency.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from genai_credentials.deadline import seconds_left
from genai_credentials.errors import CredentialsError, FetchFailed, PutConflict, PutFailed, PutUnsure
from genai_credentials.writing.documents import Bare, Content, Document

MOST_NEWER = 64
"""How many versions are read by number above `latest`, which may lag, or below it, if it is disabled."""

PAUSES = (0.2, 0.8)
"""Seconds to wait before each new try of an addition without an answer."""


Seen = tuple[int, bytes | None]
"""A version that exists: its number (0 if the store does not say it) and its bytes (None if it is disabled)."""


class NewVersion:
    """The versions of one secret, with the operations of a put.

    Args:
        look: Reads a version by its number or "latest". Returns None if the version does not exist.
        add: Adds a version and returns its number.
        where: The name of the provider, for the errors.
    """

    def __init__(self, look: Callable[[str], Seen | None], add: Callable[[bytes], int], where: str) -> None:
        self._look, self._add, self._where = look, add, where

    def put(self, document: Document, key: str) -> int:
        """Add a version with this key, unless the newest version has the key. Returns the number of the version.

        Raises:
            PutConflict: Another writer added a version at the same moment. Both are kept, and this key has the higher
                number.
            PutUnsure: The store gave no answer, and the version may have been added.
            PutFailed: The new version would lose other content of the secret, or it could not be added.
        """
        highest, number, data = self._newest()
        if number == 0 and highest and not isinstance(document, Bare):
            raise PutFailed(
                f"{self._where}: no version of the secret can be read, and its other content would be lost.",
                remedy="Enable the newest version, or add a version by hand.",
            )
        before = Content(data, document, self._where)
        held = before.holds(key)
        if number and number == highest and held:
            return highest
        number = self._added(data if held else before.with_key(key), document, key, highest)
        for between in range(highest + 1, number):
            if not self._has(between, document, key):
                raise self._conflict(between, number)
        return number

    def _conflict(self, between: int, number: int) -> PutConflict:
        return PutConflict(
            f"{self._where}: another writer stored version {between} at the same moment. Both are kept. This key is "
            f"version {number}, and it serves.",
            remedy=f"Read version {between}. If its key is to serve instead, put that key again.",
            stored=str(number),
        )

    def _newest(self) -> tuple[int, int, bytes]:
        """Return the highest number, and the number and the bytes of the newest version that can be read.

        Raises:
            PutFailed: There are too many versions above `latest`.
        """
        highest, readable, data = 0, 0, b""
        seen = self._look("latest")
        for _ in range(MOST_NEWER):
            if seen is not None:
                highest, found = seen
                readable, data = (readable, data) if found is None else (highest, found)
            seen = self._look(str(highest + 1))
            if seen is None:
                return (highest, readable, data) if readable else self._below(highest)
        raise PutFailed(
            f"{self._where}: the newest version was not found among {MOST_NEWER} versions above `latest`.",
            remedy="Enable the newest version, or add a version by hand.",
        )

    def _below(self, highest: int) -> tuple[int, int, bytes]:
        for number in range(highest - 1, max(0, highest - MOST_NEWER), -1):
            seen = self._look(str(number))
            if seen is not None and seen[1] is not None:
                return highest, number, seen[1]
        return highest, 0, b""

    def _added(self, content: bytes, document: Document, key: str, highest: int) -> int:
        for pause in PAUSES:
            try:
                return self._add(content)
            except PutUnsure:
                time.sleep(pause)
            if self._has(highest + 1, document, key):
                return highest + 1
        return self._add(content)

    def _has(self, number: int, document: Document, key: str) -> bool:
        try:
            seen = self._look(str(number))
            return seen is not None and Content(seen[1] or b"", document, self._where).holds(key)
        except (FetchFailed, PutFailed):
            return False


class Addition:
    """Adds a version to a secret. An error of the store is raised with its meaning and a remedy.

    Args:
        add: Takes the bytes and the seconds that the call may take. Adds a version and returns its number.
        kind_of: Returns the name of a failure.
        where: The name of the provider, for the errors.
    """

    def __init__(self, add: Callable[[bytes, float], int], kind_of: Callable[[Exception], str], where: str) -> None:
        self._add, self._kind_of, self._where = add, kind_of, where

    def __call__(self, data: bytes) -> int:
        """Add a version with these bytes, and return its number.

        Raises:
            PutUnsure: The version may have been added.
            PutFailed: The version was not added.
        """
        try:
            return self._add(data, seconds_left() * 0.4)
        except CredentialsError:
            raise
        except Exception as error:
            kind = self._kind_of(error)
        # The first error is not chained, because its frames hold the key.
        problem, remedy = _PROBLEMS.get(kind, (f"the call failed with {kind}", _AGAIN))
        raise (PutUnsure if kind in _UNSURE else PutFailed)(f"{self._where}: {problem}.", remedy=remedy)


_AGAIN = "Search for this error, then put the key again. The same key is not stored twice."
_MAYBE = "Put the key again. It may already be stored, and the same key is not stored twice."
_MAY_NOT = (
    "this identity may not add versions to the secret",
    "Grant it roles/secretmanager.secretVersionAdder on the secret.",
)
_REFUSED = ("the Google credentials were refused", "Log in again, or renew the key of the service account.")
_PROBLEMS = {
    "NotFound": ("there is no such secret", "Create it first: gcloud secrets create NAME."),
    "PermissionDenied": _MAY_NOT,
    "Forbidden": _MAY_NOT,
    "Unauthenticated": _REFUSED,
    "RefreshError": _REFUSED,
    "FailedPrecondition": ("the secret accepts no new version", "Check the state and the expiry of the secret."),
    "InvalidArgument": ("the store refused this payload", "Check its size, which must not be over 64 KiB."),
    "DeadlineExceeded": ("the store did not answer in time", _MAYBE),
    "ServiceUnavailable": ("the store is unavailable", _MAYBE),
    "InternalServerError": ("the store failed", _MAYBE),
    "TransportError": ("Google's token server cannot be reached", "Check this machine's network, and try again."),
    "UnreadableAnswer": ("the answer does not come from Secret Manager", _MAYBE),
    "ResourceExhausted": ("the store throttles this project", "Try again in a minute."),
}
_UNSURE = frozenset(
    {"DeadlineExceeded", "ServiceUnavailable", "InternalServerError", "ResourceExhausted", "UnreadableAnswer"}
)
