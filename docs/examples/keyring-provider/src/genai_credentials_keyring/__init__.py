"""`keyring:SERVICE/USER`: a Gemini API key from the operating system's keyring."""

from __future__ import annotations

from urllib.parse import quote

import keyring
from keyring.backends import fail
from keyring.errors import KeyringError

from genai_credentials import ApiKey, FetchFailed, Unavailable
from genai_credentials.provider import sealed
from genai_credentials.uris import ProviderURI


class Keyring:
    """A key from the keyring of this session: Keychain, Secret Service, Windows Credential Locker.

    Args:
        service: What the keyring files it under.
        user: Whose it is there.
    """

    def __init__(self, service: str, user: str) -> None:
        self.service, self.user = service, user
        self.name = self.uri = f"keyring:{quote(service)}/{quote(user, safe='')}"

    @sealed
    def fetch(self, rejected: ApiKey | None = None) -> ApiKey:
        """The key; asked anew at each fetch, so what the user changes there is followed.

        Raises:
            Unavailable: This machine has no keyring, or it holds no such entry.
            FetchFailed: The keyring is locked, or failed.
        """
        if isinstance(keyring.get_keyring(), fail.Keyring):
            raise Unavailable(f"{self.name}: this machine has no keyring.", remedy="Install a backend of keyring's.")
        try:
            text = keyring.get_password(self.service, self.user)
        except KeyringError as error:
            # Not chained: what a backend puts into its errors isn't ours to know.
            problem = f"{self.name}: the keyring failed ({type(error).__name__})."
        else:
            if text is None:
                raise Unavailable(
                    f"{self.name}: there is no such entry.", remedy=f"Run: keyring set {self.service} {self.user}"
                )
            return ApiKey(text, provider=self.name)
        raise FetchFailed(problem, remedy="Unlock it, and log in to the desktop session.")


def from_uri(uri: ProviderURI) -> Keyring:
    """The provider that `keyring:SERVICE/USER` describes."""
    service, slash, user = uri.path.rpartition("/")
    if not slash or not service or not user:
        uri.fail("SERVICE/USER after keyring:")
    return Keyring(service, user)
