"""The session that calls the API Keys API: google-auth's, which google-genai brings along."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any, cast

from genai_credentials.client.origins import origin_of
from genai_credentials.errors import ConfigurationError, CredentialsError
from genai_credentials.rotate.failed import RotationFailed
from genai_credentials.rotate.rest import Session
from genai_credentials.sources.google_login import default_credentials


def check_base_url(url: str) -> None:
    """See that a key may travel there.

    Raises:
        ConfigurationError: It is no http(s) URL, or plain http to another machine.
    """
    try:
        origin_of(url, allow_plain_http=False)
    except ConfigurationError as error:
        problem = ConfigurationError(error.message, remedy="Use https; plain http is for this machine alone.")
    else:
        return
    raise problem


def proving_url(base_url: str | None) -> str | None:
    """Where a key is proven: the URL, else GOOGLE_GEMINI_BASE_URL, else None for Google's.

    Raises:
        ConfigurationError: As `check_base_url`.
    """
    url = base_url or os.environ.get("GOOGLE_GEMINI_BASE_URL") or None
    if url:
        check_base_url(url)
    return url


def make_session(credentials: Any, project: str, url: str) -> Session:
    """A session for the API at `url`.

    Args:
        credentials: Google credentials; None means application default credentials.
        project: Who is charged for the calls.
        url: Where the API is.

    Raises:
        RotationFailed: There are no credentials on this machine, or they cannot be loaded.
    """
    transport: Any = import_module("google.auth.transport.requests")
    credentials = credentials or _default(project)
    # What credentials bring along themselves would outrank the header.
    if hasattr(credentials, "with_quota_project"):
        credentials = credentials.with_quota_project(project)
    session = transport.AuthorizedSession(credentials)
    if url.startswith("http:"):
        # It is on this machine, for which neither a proxy nor the password of a .netrc file is meant.
        session.trust_env = False
    return cast(Session, session)


def _default(project: str) -> Any:
    try:
        return default_credentials(f"apikeys:{project}")
    except CredentialsError as error:
        problem = RotationFailed(error.message, remedy=error.remedy)
    # Not chained: a file that cannot be read is repeated in the errors of some libraries.
    raise problem
