"""A secret of Secret Manager and its versions, and what may be done to them; no wire, no faults."""

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
    """A new entity tag; the quotes belong to it (https://cloud.google.com/secret-manager/docs/etags)."""
    return f'"{secrets.token_hex(7)}"'


@dataclass(slots=True)
class Version:
    """One version of a secret."""

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
    """A secret, its versions by number, and what the emulator was told to get wrong about it.

    `proto` is what the service answers for it: labels, replication and the rest are in it as they were sent.
    """

    proto: Any
    versions: dict[int, Version] = field(default_factory=dict)
    latest: int | None = None
    corrupt: bool = False
    omit: bool = False

    @property
    def name(self) -> str:
        """Its full name."""
        return str(self.proto.name)

    def is_expired(self) -> bool:
        """Whether its time to live is over: then it is as if it had been deleted."""
        return "expire_time" in self.proto and self.proto.expire_time <= datetime.now(UTC)

    def append(self, data: bytes, checked: bool = False) -> Version:
        """Add a version; `checked` where its checksum was sent along."""
        number = max(self.versions, default=0) + 1
        self.versions[number] = Version(number, data, checked)
        return self.versions[number]

    def find(self, version: str) -> Version:
        """The version that a number, an alias or "latest" stands for, whatever its state."""
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
        """Enable, disable or destroy a version; where the secret has a delay for it, a destroyed one is disabled."""
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
        """Replace all the aliases."""
        for name, number in aliases.items():
            if not _ALIAS.fullmatch(name) or name == "latest":
                raise RefusedError("INVALID_ARGUMENT", f"{name!r} is not a valid version alias.")
            if number not in self.versions:
                raise RefusedError("INVALID_ARGUMENT", f"Alias {name!r}: version {number} does not exist.")
        self.proto.version_aliases = dict(aliases)

    def wrong_state(self, version: Version) -> RefusedError:
        """The refusal of what the version's state doesn't allow."""
        name = f"{self.name}/versions/{version.number}"
        return RefusedError("FAILED_PRECONDITION", f"Secret Version [{name}] is in {version.state} state.")


def check_etag(sent: str, current: str) -> None:
    """Refuse a change whose sender saw an older state; nothing sent, nothing checked."""
    if sent and sent != current:
        message = f"The etag {sent} of the request does not match the current etag {current}."
        raise RefusedError("FAILED_PRECONDITION", message)
