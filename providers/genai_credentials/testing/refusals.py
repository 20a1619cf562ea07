"""The error answers of the Gemini API and of gateways in front of it, as they are sent over the wire.

Each row contains the verdict that a client should reach. One table thus serves both the fake API and the tests of the
code that reads its answers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Verdict: TypeAlias = Literal["rejected", "not_ours", "untouched"]

JSON = "application/json; charset=UTF-8"
HTML = "text/html; charset=UTF-8"

_SERVICE = "generativelanguage.googleapis.com"
_METHOD = "google.ai.generativelanguage.v1beta.GenerativeService.GenerateContent"
_INVALID_CREDENTIALS = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
    "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
)
_KEYS_UNSUPPORTED = (
    "API keys are not supported by this API. Expected OAuth2 access token or other authentication credentials that "
    "assert a principal. See https://cloud.google.com/docs/authentication"
)
_DISABLED = (
    "Generative Language API has not been used in project 123456789012 before or it is disabled. Enable it by "
    f"visiting https://console.developers.google.com/apis/api/{_SERVICE}/overview?project=123456789012 then retry. "
    "If you enabled this API recently, wait a few minutes for the action to propagate to our systems and retry."
)
_UNREGISTERED = (
    "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other "
    "form of API consumer identity to call this API."
)
_IP_BLOCKED = (
    "The provided API key has an IP address restriction. The originating IP address of the call (127.0.0.1) violates "
    "this restriction."
)
_UNKNOWN_MODEL = (
    "models/no-such-model is not found for API version v1beta, or is not supported for generateContent. Call "
    "ListModels to see the list of available models and their supported methods."
)
_HTML_PAGE = (
    b"<html><head><title>401 Authorization Required</title></head>"
    b"<body><center><h1>401 Authorization Required</h1></center></body></html>\n"
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """One error answer of the API.

    Args:
        name: The name of the row in `REFUSALS`.
        status: The HTTP status.
        body: The body as sent. `{key}` in it stands for the refused key.
        content_type: The value of the Content-Type header; "" for no header.
        verdict: "rejected": the key is no good. "not_ours": the key is good, but may not do this. "untouched": the
            answer says nothing about the key.
    """

    name: str
    status: int
    body: bytes
    content_type: str
    verdict: Verdict

    @property
    def is_googles(self) -> bool:
        """Whether the answer is in Google's own JSON envelope, which repeats the status.

        An answer of a gateway is not.
        """
        return f'"code": {self.status},'.encode() in self.body

    def body_for(self, key: str | None) -> bytes:
        """Return the body of the answer to a caller.

        Args:
            key: The key that the caller sent; None if the request carried no key.
        """
        return self.body.replace(b"{key}", (key or "").encode())


@dataclass(frozen=True, slots=True)
class Close:
    """The refusal of a Live session after its handshake: a close frame before the session is set up.

    Args:
        name: The name of the row in `CLOSES`.
        code: The WebSocket close code.
        reason: The close reason. Only this text distinguishes a bad key from a bad request.
        verdict: As in `Refusal`.
    """

    name: str
    code: int
    reason: str
    verdict: Verdict


def error_body(status: int, message: str, code: str, *details: dict[str, Any]) -> bytes:
    """Return Google's JSON error envelope.

    Args:
        status: The HTTP status, repeated in the body.
        message: The message for people.
        code: The canonical code, such as "INVALID_ARGUMENT".
        details: The typed details. Without details the member is left out, as in answers of the API.
    """
    error: dict[str, Any] = {"code": status, "message": message, "status": code}
    if details:
        error["details"] = list(details)
    return json.dumps({"error": error}, indent=2).encode()


def _reason(reason: str, **metadata: str) -> dict[str, Any]:
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": {"service": _SERVICE, **metadata},
    }


def _localized(message: str) -> dict[str, Any]:
    return {"@type": "type.googleapis.com/google.rpc.LocalizedMessage", "locale": "en-US", "message": message}


def _google(name: str, status: int, code: str, message: str, verdict: Verdict, *details: dict[str, Any]) -> Refusal:
    return Refusal(name, status, error_body(status, message, code, *details), JSON, verdict)


def _invalid_key(name: str, message: str) -> Refusal:
    details = (_reason("API_KEY_INVALID"), _localized(message))
    return _google(name, 400, "INVALID_ARGUMENT", message, "rejected", *details)


def _denied(name: str, message: str, verdict: Verdict = "not_ours", **metadata: str) -> Refusal:
    return _google(name, 403, "PERMISSION_DENIED", message, verdict, _reason(name, **metadata))


def _gateway(name: str, error: dict[str, str]) -> Refusal:
    return Refusal(name, 401, json.dumps({"error": error}).encode(), JSON, "rejected")


_NOT_VALID = "API key not valid. Please pass a valid API key."
_NOT_FOUND = "API Key not found. Please pass a valid API key."
_EXPIRED = "API key expired. Please renew the API key."
_LEAKED = "Your API key was reported as leaked. Please use another API key."
_DENIED_ACCESS = "Your project has been denied access. Please contact support."
_RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17s"}
_QUOTA = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaMetric": f"{_SERVICE}/generate_content_free_tier_requests", "quotaValue": "10"}],
}

_REJECTED = (
    _invalid_key("API_KEY_INVALID", _NOT_VALID),
    _invalid_key("api_key_not_found", _NOT_FOUND),
    _invalid_key("api_key_expired", _EXPIRED),
    # A gateway that rebuilds the envelope keeps the message and loses the details.
    _google("no_details_not_valid", 400, "INVALID_ARGUMENT", _NOT_VALID, "rejected"),
    _google("no_details_not_found", 400, "INVALID_ARGUMENT", _NOT_FOUND, "rejected"),
    _google("no_details_expired", 400, "INVALID_ARGUMENT", _EXPIRED, "rejected"),
    _google(
        "ACCESS_TOKEN_TYPE_UNSUPPORTED",
        401,
        "UNAUTHENTICATED",
        _INVALID_CREDENTIALS,
        "rejected",
        _reason("ACCESS_TOKEN_TYPE_UNSUPPORTED", method=_METHOD),
    ),
    _google("unauthenticated_plain", 401, "UNAUTHENTICATED", _INVALID_CREDENTIALS, "rejected"),
    _gateway("interactions_authentication", {"code": "authentication", "message": "The API key is not valid."}),
    _gateway(
        "rix_api_error",
        {"code": "", "message": "Invalid Token (request id: 20260101000000000000000)", "type": "rix_api_error"},
    ),
    _gateway("one_api_error", {"message": "Invalid token", "type": "one_api_error"}),
    Refusal("empty_401", 401, b"", "", "rejected"),
    Refusal("html_401", 401, _HTML_PAGE, HTML, "rejected"),
    _google("leaked", 403, "PERMISSION_DENIED", _LEAKED, "rejected"),
    _denied(
        "CONSUMER_SUSPENDED",
        "Permission denied: Consumer 'api_key:{key}' has been suspended.",
        "rejected",
        consumer="projects/123456789012",
        containerInfo="api_key:{key}",
    ),
    _denied("GCP_SUSPENDED", "Permission denied: the Google Cloud account is suspended.", "rejected"),
    _google("project_denied", 403, "PERMISSION_DENIED", _DENIED_ACCESS, "rejected"),
)

_NOT_OURS = (
    _google(
        "CREDENTIALS_MISSING",
        401,
        "UNAUTHENTICATED",
        _KEYS_UNSUPPORTED,
        "not_ours",
        _reason("CREDENTIALS_MISSING", method=_METHOD),
    ),
    _google(
        "OVERLOADED_CREDENTIALS",
        401,
        "UNAUTHENTICATED",
        "The request has multiple authentication credentials that may not be sent together.",
        "not_ours",
        _reason("OVERLOADED_CREDENTIALS", method=_METHOD),
    ),
    _google("app_check", 401, "UNAUTHENTICATED", "Firebase App Check token is invalid.", "not_ours"),
    _denied("SERVICE_DISABLED", _DISABLED, consumer="projects/123456789012"),
    _denied("API_KEY_SERVICE_BLOCKED", f"Requests to this API {_SERVICE} method {_METHOD} are blocked."),
    _denied("API_KEY_HTTP_REFERRER_BLOCKED", "Requests from referer <empty> are blocked.", httpReferrer="<empty>"),
    _denied("API_KEY_IP_ADDRESS_BLOCKED", _IP_BLOCKED, callerIp="127.0.0.1"),
    _google("unregistered_callers", 403, "PERMISSION_DENIED", _UNREGISTERED, "not_ours"),
    _google("permission_denied", 403, "PERMISSION_DENIED", "The caller does not have permission", "not_ours"),
)

_UNTOUCHED = (
    _google(
        "bad_request",
        400,
        "INVALID_ARGUMENT",
        "* GenerateContentRequest.contents: contents is not specified\n",
        "untouched",
    ),
    _google(
        "failed_precondition_region",
        400,
        "FAILED_PRECONDITION",
        "User location is not supported for the API use.",
        "untouched",
    ),
    _google(
        "multiple_credentials",
        400,
        "INVALID_ARGUMENT",
        "Multiple authentication credentials received. Please pass only one.",
        "untouched",
    ),
    _google("not_found", 404, "NOT_FOUND", _UNKNOWN_MODEL, "untouched"),
    _google(
        "quota_429",
        429,
        "RESOURCE_EXHAUSTED",
        "You exceeded your current quota, please check your plan and billing details.",
        "untouched",
        _QUOTA,
        _RETRY,
    ),
    _google("internal_500", 500, "INTERNAL", "An internal error has occurred.", "untouched"),
    _google("unavailable_503", 503, "UNAVAILABLE", "The model is overloaded. Please try again later.", "untouched"),
)

REFUSALS: dict[str, Refusal] = {refusal.name: refusal for refusal in (*_REJECTED, *_NOT_OURS, *_UNTOUCHED)}
"""Every error answer in the rejection table, by name."""

CLOSES: dict[str, Close] = {
    close.name: close
    for close in (
        Close("close_not_valid", 1007, _NOT_VALID, "rejected"),
        Close("close_expired", 1007, _EXPIRED, "rejected"),
        Close("close_leaked", 1008, _LEAKED, "rejected"),
        Close("close_denied", 1008, _DENIED_ACCESS, "rejected"),
        # A close reason has at most 123 bytes. Therefore the server cuts this message.
        Close("close_keys_unsupported", 1008, _KEYS_UNSUPPORTED[:120], "not_ours"),
        Close("close_bad_request", 1007, "Request contains an invalid argument.", "untouched"),
    )
}
"""Every close of a Live session in the rejection table, by name."""
