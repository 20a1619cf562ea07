"""The events of Google Secret Manager, as the attributes of a Pub/Sub message.

Source: https://cloud.google.com/secret-manager/docs/event-notifications.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from genai_credentials.provider import Provider
from genai_credentials.pushes.change import Document, text
from genai_credentials.sources.google import GoogleSecretManager

_SERVES_IT = {"SECRET_VERSION_ADD", "SECRET_VERSION_ENABLE"}
# These events name a version that can no longer be read, or no version. A scheduled destruction disables the version at
# once.
_OTHERS = {"SECRET_VERSION_DISABLE", "SECRET_VERSION_DESTROY", "SECRET_VERSION_DESTROY_SCHEDULED", "SECRET_UPDATE"}

_SECRET = re.compile(r"projects/[^/]+(?:/locations/(?P<location>[^/]+))?/secrets/(?P<secret>[^/]+)")


class GoogleChange(NamedTuple):
    """A change of a secret: its name and location, the version in the event, and the version to serve now.

    The project is left out, because events contain its number and users write its id.
    """

    secret: str
    location: str | None
    named: str | None
    version: str | None

    @classmethod
    def of(cls, document: Document) -> GoogleChange | None:
        """Return the change in the attributes of a message; None if a fetch would not show any change."""
        kind = text(document, "eventType")
        match = _SECRET.fullmatch(text(document, "secretId") or "")
        if match is None or kind not in _SERVES_IT | _OTHERS:
            return None
        named = (text(document, "versionId") or "").rpartition("/")[2] or None
        return cls(match["secret"], match["location"], named, named if kind in _SERVES_IT else None)

    def is_about(self, provider: Provider) -> bool:
        """Whether the event is about the secret of this provider.

        If the provider is pinned to a number, only an event about that version concerns it.
        """
        if not isinstance(provider, GoogleSecretManager):
            return False
        if provider.pinned and provider.pinned.isdecimal() and provider.pinned != self.named:
            return False
        return (self.secret, self.location) == (provider.secret.rpartition("/")[2], provider.location)
