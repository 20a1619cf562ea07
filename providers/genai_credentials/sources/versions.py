"""The search for the newest version of a secret in Google Secret Manager that can be read.

`latest` is eventually consistent. Only a version by its number is strongly consistent. Therefore versions are read by
number in two cases: when `latest` may lag, and when the version that `latest` points to cannot be read.

Source: https://docs.cloud.google.com/secret-manager/regional-secrets/reference/consistency.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from genai_credentials.errors import FetchFailed, InvalidSecret, NoSuchSecret
from genai_credentials.key import ApiKey
from genai_credentials.log import logger


class NotFound(NoSuchSecret):
    """The secret or the version does not exist."""


class NotEnabled(FetchFailed):
    """The version is disabled or destroyed.

    `number` is the number in the message of the store, which is there even if `latest` was read. It is 0 if there is no
    number.
    """

    number = 0


class Above(NamedTuple):
    """The result of a search above a version.

    `newest` is the key in the newest readable version above, or None. `trouble` is the error of a version that cannot
    be read, or None. `ended` is True if the search reached the end of the versions.
    """

    newest: ApiKey | None
    trouble: FetchFailed | None
    ended: bool


class Versions:
    """The versions of one secret. It remembers the highest version that was served.

    Args:
        access: Reads a version by its number, or `latest`. Raises `NotFound`, `NotEnabled` and other kinds of
            `FetchFailed`.
        name: The name of the provider, for the log.
        most: How many versions above a version, and how many below it, are read by number.
    """

    def __init__(self, access: Callable[[str], ApiKey], name: str, most: int) -> None:
        self._access = access
        self._name = name
        self._most = most
        self._highest = 0
        self._warned: set[int] = set()

    def newest(self, rejected: ApiKey | None = None) -> ApiKey:
        """Return the key in the newest readable version.

        After a refusal, versions above the refused one are read first.

        Args:
            rejected: The key that the API has just refused; None when no key was refused.
        """
        above = self._above(number_of(rejected)) if rejected is not None else Above(None, None, False)
        key = self._highest_of(above)
        if above.trouble is not None and key == rejected:
            raise above.trouble
        return self.served(key)

    def newer(self, current: ApiKey) -> ApiKey:
        """Return the key in the newest readable version above the current one, even if `latest` lags.

        If no version is newer, the current version is read again.

        Args:
            current: The serving key.
        """
        above = self._above(number_of(current))
        key = above.newest if above.ended else self._highest_of(above)
        if key is None or number_of(key) < number_of(current):
            if above.trouble is not None:
                raise above.trouble
            key = self._still(number_of(current))
        return self.served(key)

    def served(self, key: ApiKey) -> ApiKey:
        """Remember the version of the key, and return the key."""
        self._highest = max(self._highest, number_of(key))
        return key

    def _above(self, number: int) -> Above:
        """Read the versions above a number. Returns the newest key and the last error; neither replaces the other."""
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
        """Return the newest key that was found by number.

        `latest` is read too if there is no such key, or if there may be more versions.
        """
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
            # The version that was served is gone, because someone rolled back on purpose. Between it and a `latest`
            # that lags there may be other versions.
            key = self._below(self._highest, floor=number_of(latest)) or latest
            self._highest = number_of(key)
            return key

    def _still(self, number: int) -> ApiKey:
        """Return the key in this version, above which there is no other.

        If the version cannot be read any more, an older version is read.
        """
        try:
            return self._access(str(number))
        except NotFound:
            return self._highest_of(Above(None, None, False))
        except NotEnabled as error:
            return self._back_from(number, error)

    def _instead_of(self, number: int, error: NotEnabled) -> ApiKey:
        """Return the newest readable key if the newest version cannot be read.

        Versions above its number come first, then versions below it.
        """
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
            "%s: version %d, the newest, is disabled or destroyed. The key of version %s is used instead.",
            self._name,
            number,
            key.version,
            extra={"event": "version_skipped", "provider": self._name, "version": str(number)},
        )


def number_of(key: ApiKey | None) -> int:
    """Return the number of the version of a key; 0 if the key is None or has no such number."""
    return int(key.version) if key is not None and key.version and key.version.isdecimal() else 0
