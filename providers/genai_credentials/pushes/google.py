"""Secret Manager's events, as the attributes of a Pub/Sub message carry them.

Source: https://cloud.google.com/secret-manager/docs/event-notifications.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from genai_credentials.provider import Provider
from genai_credentials.pushes.change import Document, text
from genai_credentials.sources.google import GoogleSecretManager

_SERVES_IT = {"SECRET_VERSION_ADD", "SECRET_VERSION_ENABLE"}
# The version that these name is gone, or none is named. A destruction that is scheduled disables the version at once.
_OTHERS = {"SECRET_VERSION_DISABLE", "SECRET_VERSION_DESTROY", "SECRET_VERSION_DESTROY_SCHEDULED", "SECRET_UPDATE"}

_SECRET = re.compile(r"projects/[^/]+(?:/locations/(?P<location>[^/]+))?/secrets/(?P<secret>[^/]+)")


class GoogleChange(NamedTuple):
    """What happened to a secret; the project is left out, since events have its number where users write its id."""

    secret: str
    location: str | None
    named: str | None
    version: str | None

    @classmethod
    def of(cls, document: Document) -> GoogleChange | None:
        """From a message's attributes; None where nothing happened that a fetch would show."""
        kind = text(document, "eventType")
        match = _SECRET.fullmatch(text(document, "secretId") or "")
        if match is None or kind not in _SERVES_IT | _OTHERS:
            return None
        named = (text(document, "versionId") or "").rpartition("/")[2] or None
        return cls(match["secret"], match["location"], named, named if kind in _SERVES_IT else None)

    def is_about(self, provider: Provider) -> bool:
        """Whether it is this provider's secret. One that is pinned to a number can only lose that version."""
        if not isinstance(provider, GoogleSecretManager):
            return False
        if provider.pinned and provider.pinned.isdecimal() and provider.pinned != self.named:
            return False
        return (self.secret, self.location) == (provider.secret.rpartition("/")[2], provider.location)
