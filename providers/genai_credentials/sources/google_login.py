"""The credentials for Google's stores: application default credentials, or none for an emulator."""

from __future__ import annotations

import os
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from genai_credentials.errors import ConfigurationError, FetchFailed, Unavailable
from genai_credentials.provider import import_extra
from genai_credentials.troubles import GOOGLE_LOGIN, described

EMULATOR = "SECRET_MANAGER_EMULATOR_HOST"
"""The variable with the host and port of an emulator on this machine. The emulator replaces Google, without a log-in.
"""

METADATA_TIMEOUT = 1.0
"""Seconds to wait for a metadata server. A laptop has none, and the wait must not use up the time of the whole fetch.
"""

_SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]


def emulator_address() -> str | None:
    """Return the host and port of the emulator that the environment names; None if there is no emulator.

    Raises:
        ConfigurationError: The value is no host and port of this machine. A program on another machine would receive
            the names of secrets and could return any key.
    """
    text = os.environ.get(EMULATOR, "").strip()
    if not text:
        return None
    address = _on_this_machine(text if "://" in text else f"http://{text}")
    if address is None:
        raise ConfigurationError(
            f"{EMULATOR}={text!r} is not a host and port of this machine.",
            remedy="Set it to 127.0.0.1:PORT, or unset it to use Google.",
        )
    return address


def _on_this_machine(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        here = host == "localhost" or ip_address(host).is_loopback
        plain = parts.scheme == "http" and parts.port is not None and not parts.path.strip("/")
    except ValueError:
        return None
    if not here or not plain:
        return None
    return f"[{host}]:{parts.port}" if ":" in host else f"{host}:{parts.port}"


def default_credentials(name: str) -> Any:
    """Return the application default credentials of google-auth.

    Args:
        name: The name of the provider, for the error.

    Raises:
        Unavailable: There are no credentials on this machine.
        FetchFailed: There are credentials, but they cannot be loaded.
    """
    auth, errors = import_extra("google.auth", "google"), import_extra("google.auth.exceptions", "google")
    session = import_extra("google.auth.transport.requests", "google").Request()

    def quick(*args: Any, timeout: float | None = None, **options: Any) -> Any:
        return session(*args, timeout=min(timeout or METADATA_TIMEOUT, METADATA_TIMEOUT), **options)

    try:
        return auth.default(scopes=_SCOPES, request=quick)[0]
    except Exception as error:
        # More than DefaultCredentialsError: a file with a JSON list in it raises AttributeError (probed).
        none = isinstance(error, errors.DefaultCredentialsError) and "credentials were not found" in str(error)
        if none and not os.environ.get("GOOGLE_APPLICATION_CREDENTIALS"):
            raise Unavailable(
                f"{name}: there are no Google credentials on this machine.",
                remedy=GOOGLE_LOGIN,
            ) from None
        raise FetchFailed(
            f"{name}: the Google credentials of this machine cannot be loaded: {described(error)}.",
            remedy="Check GOOGLE_APPLICATION_CREDENTIALS and the file that it names.",
        ) from error
