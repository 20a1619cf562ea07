"""A secret of Secret Manager with its versions, and the changes of both. No network, no planned errors."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from genai_credentials.testing.servers import RefusedError

__all__ = ["Secret", "Version"]

_ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")


def new_etag() -> str:
    """Return a new entity tag. The quotes are part of it (https://cloud.google.com/secret-manager/docs/etags)."""
    return f'"{secrets.token_hex(7)}"'


@dataclass(slots=True)
class Version:
    """A version of a secret."""

    number: int
    data: bytes = field(repr=False)
    checked: bool = False
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    state: str = "ENABLED"
    destroyed: datetime | None = None
    to_be_destroyed: datetime | None = None
    etag: str = field(default_factory=new_etag)


@dataclass(slots=True)
class Secret:
    """A secret, its versions by number, and the errors that the emulator makes on purpose in its answers.

    `proto` is the answer of the service for the secret. It holds labels, replication and other members as they were
    sent.
    """

    proto: Any
    versions: dict[int, Version] = field(default_factory=dict)
    latest: int | None = None
    corrupt: bool = False
    omit: bool = False

    @property
    def name(self) -> str:
        """The full name of the secret."""
        return str(self.proto.name)

    def is_expired(self) -> bool:
        """Whether the time to live has ended. The secret then counts as deleted."""
        return "expire_time" in self.proto and self.proto.expire_time <= datetime.now(UTC)

    def append(self, data: bytes, checked: bool = False) -> Version:
        """Add a version. `checked` is True if the request contained a checksum."""
        number = max(self.versions, default=0) + 1
        self.versions[number] = Version(number, data, checked)
        return self.versions[number]

    def find(self, version: str) -> Version:
        """Return the version that a number, an alias or "latest" points to, in any state."""
        if version == "latest":
            number = self.latest or max(self.versions, default=0)
        else:
            digits = version.isascii() and version.isdigit()
            number = int(version) if digits else self.proto.version_aliases.get(version, 0)
        if number not in self.versions:
            raise RefusedError("NOT_FOUND", f"Secret Version [{self.name}/versions/{version}] not found.")
        return self._as_it_is_now(self.versions[number])

    def _as_it_is_now(self, version: Version) -> Version:
        if version.to_be_destroyed is not None and version.to_be_destroyed <= datetime.now(UTC):
            self._destroy(version)
        return version

    def change(self, version: Version, state: str, etag: str = "") -> None:
        """Enable, disable or destroy a version.

        If the secret has a delay for destruction, the version is disabled until the delay has passed.
        """
        check_etag(etag, version.etag)
        if version.state == "DESTROYED":
            raise self.wrong_state(version)
        version.state, version.etag, version.to_be_destroyed = state, new_etag(), None
        delay: timedelta = self.proto.version_destroy_ttl or timedelta(0)
        if state == "DESTROYED" and delay:
            version.state, version.to_be_destroyed = "DISABLED", datetime.now(UTC) + delay
        elif state == "DESTROYED":
            self._destroy(version)

    @staticmethod
    def _destroy(version: Version) -> None:
        version.state, version.data, version.to_be_destroyed = "DESTROYED", b"", None
        version.destroyed = datetime.now(UTC)

    def alias(self, aliases: Mapping[str, int]) -> None:
        """Replace all aliases."""
        for name, number in aliases.items():
            if not _ALIAS.fullmatch(name) or name == "latest":
                raise RefusedError("INVALID_ARGUMENT", f"{name!r} is not a valid version alias.")
            if number not in self.versions:
                raise RefusedError("INVALID_ARGUMENT", f"Alias {name!r}: version {number} does not exist.")
        self.proto.version_aliases = dict(aliases)

    def wrong_state(self, version: Version) -> RefusedError:
        """Return the error for a call that the state of the version does not allow."""
        name = f"{self.name}/versions/{version.number}"
        return RefusedError("FAILED_PRECONDITION", f"Secret Version [{name}] is in {version.state} state.")


def check_etag(sent: str, current: str) -> None:
    """Refuse a change whose sender has read an older state. "" as the sent tag skips the check."""
    if sent and sent != current:
        message = f"The etag {sent} of the request does not match the current etag {current}."
        raise RefusedError("FAILED_PRECONDITION", message)
