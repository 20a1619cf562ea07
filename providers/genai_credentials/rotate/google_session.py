"""The HTTP session for the API Keys API. It uses google-auth, which google-genai installs."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any, cast

from genai_credentials.client.origins import origin_of
from genai_credentials.errors import ConfigurationError, CredentialsError
from genai_credentials.rotate.errors import RotationFailed
from genai_credentials.rotate.rest import Session
from genai_credentials.sources.google_login import default_credentials


def check_base_url(url: str) -> None:
    """Check that a key may be sent to this URL.

    Args:
        url: The URL.

    Raises:
        ConfigurationError: It is not an http(s) URL, or it is plain http to another machine.
    """
    try:
        origin_of(url, allow_plain_http=False)
    except ConfigurationError as error:
        problem = ConfigurationError(error.message, remedy="Use https. Plain http is for this machine only.")
    else:
        return
    raise problem


def check_credentials(credentials: object) -> None:
    """Check that these are credentials of google-auth, or None.

    Args:
        credentials: The argument from the user.

    Raises:
        ConfigurationError: They are something else.
    """
    if credentials is not None and not callable(getattr(credentials, "before_request", None)):
        raise ConfigurationError(
            f"credentials is {type(credentials).__name__}, not Google credentials.",
            remedy="Leave it out for application default credentials, or pass google.auth.default()[0].",
        )


def proving_url(base_url: str | None) -> str | None:
    """The URL at which a key is proven: `base_url`, else GOOGLE_GEMINI_BASE_URL, else None for Google's.

    Args:
        base_url: The URL from the user; None without one.

    Raises:
        ConfigurationError: See `check_base_url`.
    """
    url = base_url or os.environ.get("GOOGLE_GEMINI_BASE_URL") or None
    if url:
        check_base_url(url)
    return url


def make_session(credentials: Any, project: str, url: str) -> Session:
    """A session for the API at `url`.

    Args:
        credentials: Google credentials; None means application default credentials.
        project: The project that is charged for the calls.
        url: The URL of the API.

    Raises:
        RotationFailed: There are no credentials on this machine, or they cannot be loaded.
    """
    transport: Any = import_module("google.auth.transport.requests")
    credentials = credentials or _default(project)
    # A quota project of the credentials would override the header.
    if hasattr(credentials, "with_quota_project"):
        credentials = credentials.with_quota_project(project)
    session = transport.AuthorizedSession(credentials)
    if url.startswith("http:"):
        # The API is on this machine. A proxy, or the password of a .netrc file, is not meant for it.
        session.trust_env = False
    return cast(Session, session)


def _default(project: str) -> Any:
    try:
        return default_credentials(f"apikeys:{project}")
    except CredentialsError as error:
        problem = RotationFailed(error.message, remedy=error.remedy)
    # Not chained: the errors of some libraries repeat the content of a file that cannot be read.
    raise problem
