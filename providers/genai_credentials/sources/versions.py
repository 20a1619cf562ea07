"""Which version of a secret in Google Secret Manager is the newest one that can be read.

`latest` is eventually consistent, by Google's documentation; only a version by its number is strongly consistent. So
numbers are asked for where `latest` may lag, and where the version that it names cannot be read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from genai_credentials.errors import FetchFailed, InvalidSecret, NoSuchSecret
from genai_credentials.key import ApiKey
from genai_credentials.log import logger


class NotFound(NoSuchSecret):
    """No such secret or version."""


class NotEnabled(FetchFailed):
    """The version is disabled or destroyed.

    `number` is the one that the store's message names, also where `latest` was asked for; 0 where it names none.
    """

    number = 0


class Above(NamedTuple):
    """What lies past a version: the newest that can be read, what else was in the way, and whether the end was seen."""

    newest: ApiKey | None
    trouble: FetchFailed | None
    ended: bool


class Versions:
    """The versions of one secret; it remembers the highest that was served.

    Args:
        access: Reads a version by its number, or `latest`; raises `NotFound`, `NotEnabled` and other `FetchFailed`.
        name: The provider's, for the log.
        most: How many versions on either side of one are asked for by number.
    """

    def __init__(self, access: Callable[[str], ApiKey], name: str, most: int) -> None:
        self._access = access
        self._name = name
        self._most = most
        self._highest = 0
        self._warned: set[int] = set()

    def newest(self, rejected: ApiKey | None = None) -> ApiKey:
        """The newest version that can be read; past the refused one, versions are asked for by number first."""
        above = self._above(number_of(rejected)) if rejected is not None else Above(None, None, False)
        key = self._highest_of(above)
        if above.trouble is not None and key == rejected:
            raise above.trouble
        return self.served(key)

    def newer(self, current: ApiKey) -> ApiKey:
        """What is newer than the current version, past a lagging `latest`; else the current one, if it can be read."""
        above = self._above(number_of(current))
        key = above.newest if above.ended else self._highest_of(above)
        if key is None or number_of(key) < number_of(current):
            if above.trouble is not None:
                raise above.trouble
            key = self._still(number_of(current))
        return self.served(key)

    def served(self, key: ApiKey) -> ApiKey:
        """The key, once its version is remembered."""
        self._highest = max(self._highest, number_of(key))
        return key

    def _above(self, number: int) -> Above:
        """The newest version past a number, and what else was in the way; neither hides the other."""
        newest: ApiKey | None = None
        trouble: FetchFailed | None = None
        for version in range(number + 1, number + 1 + self._most):
            try:
                newest = self._access(str(version))
            except NotEnabled:
                continue
            except InvalidSecret as error:
                trouble = error
            except NotFound:
                return Above(newest, trouble, True)
            except FetchFailed as error:
                return Above(newest, error, True)
        return Above(newest, trouble, False)

    def _below(self, number: int, floor: int = 0) -> ApiKey | None:
        for version in range(number - 1, max(floor, number - 1 - self._most), -1):
            try:
                return self._access(str(version))
            except (NotEnabled, NotFound, InvalidSecret):
                continue
        return None

    def _highest_of(self, above: Above) -> ApiKey:
        """The newest by number, or `latest` where no number was found, or where the numbers may go on."""
        if above.newest is not None and above.ended:
            return above.newest
        try:
            latest = self._not_lower(self._access("latest"))
        except NotEnabled as error:
            latest = self._instead_of(error.number, error)
        except FetchFailed:
            if above.newest is None:
                raise
            return above.newest
        return max(above.newest or latest, latest, key=number_of)

    def _not_lower(self, latest: ApiKey) -> ApiKey:
        if number_of(latest) >= self._highest:
            return latest
        try:
            return self._access(str(self._highest))
        except (NotFound, NotEnabled):
            # Rolled back on purpose: what was seen is gone. Between it and a `latest` that lags may be others.
            key = self._below(self._highest, floor=number_of(latest)) or latest
            self._highest = number_of(key)
            return key

    def _still(self, number: int) -> ApiKey:
        """A version beyond which there is nothing, or, where it cannot be read any more, the one to go back to."""
        try:
            return self._access(str(number))
        except NotFound:
            return self._highest_of(Above(None, None, False))
        except NotEnabled as error:
            return self._back_from(number, error)

    def _instead_of(self, number: int, error: NotEnabled) -> ApiKey:
        """The newest version that can be read when one, the newest by name, cannot: first above it, then below."""
        above = self._above(number) if number else Above(None, None, True)
        return above.newest or self._back_from(number, above.trouble or error)

    def _back_from(self, number: int, error: FetchFailed) -> ApiKey:
        key = self._below(number)
        if key is None:
            raise error
        self._highest = number_of(key)
        self._warn(number, key)
        return key

    def _warn(self, number: int, key: ApiKey) -> None:
        if number in self._warned:
            return
        self._warned.add(number)
        logger.warning(
            "%s: version %d, the newest, is disabled or destroyed; version %s is read in its place.",
            self._name,
            number,
            key.version,
            extra={"event": "version_skipped", "provider": self._name, "version": str(number)},
        )


def number_of(key: ApiKey | None) -> int:
    """The number of the version that a key is from; 0 where it has none."""
    return int(key.version) if key is not None and key.version and key.version.isdecimal() else 0
