"""The reason why a call of the API Keys API failed, and the permission or setting that fixes it."""

from __future__ import annotations

import re
from typing import Any

from genai_credentials.rotate.errors import RotationFailed

_ROLE = "roles/serviceusage.apiKeysAdmin"

PERMISSIONS = {
    "keys.lookupKey": "apikeys.keys.lookup",
    "keys.create": "apikeys.keys.create",
    "keys.get": "apikeys.keys.get",
    "keys.list": "apikeys.keys.list",
    "keys.getKeyString": "apikeys.keys.getKeyString",
    "keys.patch": "apikeys.keys.update",
    "keys.delete": "apikeys.keys.delete",
    "keys.undelete": "apikeys.keys.undelete",
    "operations.get": "apikeys.keys.get",
}
"""Method of the API -> the permission that it requires (Google's reference of the API Keys API, v2)."""

BINDING = "iam.serviceAccountApiKeyBindings.create"
"""The permission that a key bound to a service account requires, in addition to apikeys.keys.create."""

_LATER = "Check this machine's network and the status of Google Cloud. Then try again."


def explained(does: str, status: int, body: dict[str, Any], trouble: str, *, changes: bool) -> RotationFailed:
    """The error to raise for a call that failed.

    The error never repeats a message of the API, because that message may contain the request.

    Args:
        does: The API's method.
        status: The HTTP status; 0 if there was no answer.
        body: The JSON body of the answer; empty without one.
        trouble: The class of the error if there was no answer; "" otherwise.
        changes: Whether the call may have changed something before its answer was lost.
    """
    code, reason = _code(body), _reason(body)
    # A refused call has changed nothing. After a lost answer or a server error, the result of the call is not known.
    unsure = changes and (status == 0 or status >= 500) and trouble not in _BEFORE_SENDING
    problem, remedy = _refused(does, status, reason) if status else _unanswered(trouble)
    what = " ".join(dict.fromkeys(filter(None, (str(status or ""), code, reason, trouble))))
    return RotationFailed(f"API Keys API, {does}: {problem} ({what}).", remedy=remedy, changed=unsure)


def _refused(does: str, status: int, reason: str) -> tuple[str, str]:
    if reason in _BY_REASON:
        return _BY_REASON[reason]
    if status == 403:
        return "this identity is not allowed to do that", _missing(does)
    if status >= 500:
        return "the API failed", _LATER
    return _BY_STATUS.get(
        status, ("the call was refused", "Check the project (--project), and the key in the console.")
    )


def _missing(does: str) -> str:
    permission = PERMISSIONS.get(does, "apikeys.keys.get")
    if does == "keys.lookupKey":
        return (
            f"Grant it {permission} on the project that owns the key; {_ROLE} contains it. If somebody else owns the "
            "key, make a key in this project and store it with 'genai-credentials put'."
        )
    bound = f" For a key that is bound to a service account, also grant it {BINDING}." if does == "keys.create" else ""
    return f"Grant it {permission} on the project; {_ROLE} contains it.{bound}"


def _unanswered(trouble: str) -> tuple[str, str]:
    if trouble in _BY_TROUBLE:
        return _BY_TROUBLE[trouble]
    return "there was no answer", _LATER


def _code(body: dict[str, Any]) -> str:
    error = body.get("error")
    return _word(error.get("status")) if isinstance(error, dict) else ""


def _reason(body: dict[str, Any]) -> str:
    error = body.get("error")
    details = error.get("details") if isinstance(error, dict) else None
    reasons = [_word(row.get("reason")) for row in details or [] if isinstance(row, dict)]
    return next(filter(None, reasons), "")


def _word(value: object) -> str:
    return value if isinstance(value, str) and re.fullmatch(r"[A-Z][A-Z_0-9]{2,63}", value) else ""


_LOG_IN = "Run 'gcloud auth application-default login', or check the service account and its key."
_BY_REASON = {
    "SERVICE_DISABLED": (
        "the API Keys API is not enabled in the project",
        "Run 'gcloud services enable apikeys.googleapis.com --project PROJECT', and wait a few minutes.",
    ),
    "USER_PROJECT_DENIED": (
        "this identity may not use the project",
        "Grant it serviceusage.services.use; roles/serviceusage.serviceUsageConsumer contains it. Check the project "
        "(--project).",
    ),
    "CONSUMER_INVALID": ("there is no such project", "Check the project (--project)."),
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": (
        "the access token lacks the scope for this API",
        "Give the machine the scope https://www.googleapis.com/auth/cloud-platform.",
    ),
}
_BY_STATUS = {
    400: (
        "the request was refused",
        "A policy of the organisation may forbid the key, such as iam.managed.disableServiceAccountApiKeyCreation. "
        "Check the policies, and the old key's restrictions and service account.",
    ),
    401: ("the Google credentials were refused", _LOG_IN),
    404: ("there is no such project or key", "Check the project (--project)."),
    409: ("another run changes the same key", "Try again."),
    429: (
        "the quota is used up",
        "Try again in a minute. If the project has too many keys, delete unused keys and try again in a day.",
    ),
}
_BEFORE_SENDING = frozenset({"RefreshError", "ConnectTimeout", "InvalidURL", "SSLError", "ProxyError"})
_BY_TROUBLE = {
    "RefreshError": ("the Google credentials could not be renewed", _LOG_IN),
    "TransportError": ("Google's token server could not be reached", _LATER),
    "SSLError": ("the connection could not be secured", "Check the certificates and the proxy of this machine."),
    "ProxyError": ("the proxy could not be reached", "Check HTTPS_PROXY and NO_PROXY."),
}
