"""What the API answers, and the cause that it should be explained by. The messages are Google's own, the ids invented."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

SERVICE = "generativelanguage.googleapis.com"
PROJECT = "104857600042"
KEY = "AIzaSyInvented-NeverToBeSeen_012345678"
URL = f"https://{SERVICE}/v1beta/models/gemini-2.5-flash:generateContent"
PHRASES = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 429: "Too Many Requests",
           500: "Internal Server Error", 503: "Service Unavailable"}  # fmt: skip


class Answer(NamedTuple):
    """One answer of the API.

    Args:
        cause: What `explain` should find.
        status: The HTTP status.
        code: The canonical code.
        message: The text for people.
        reason: Google's reason; empty where it gives none.
        metadata: What stands beside the reason.
    """

    cause: str
    status: int
    code: str
    message: str
    reason: str = ""
    metadata: tuple[tuple[str, str], ...] = ()

    @property
    def phrase(self) -> str:
        """The status in HTTP's words."""
        return PHRASES[self.status]

    @property
    def details(self) -> list[dict[str, Any]]:
        """The typed details; empty where there are none."""
        if not self.reason:
            return []
        info = {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": self.reason,
            "domain": "googleapis.com",
            "metadata": {"service": SERVICE, **dict(self.metadata)},
        }
        localized = {
            "@type": "type.googleapis.com/google.rpc.LocalizedMessage",
            "locale": "en-US",
            "message": self.message,
        }
        return [info, localized]

    @property
    def error(self) -> dict[str, Any]:
        """The envelope."""
        details = {"details": self.details} if self.reason else {}
        return {"error": {"code": self.status, "message": self.message, "status": self.code, **details}}

    def body(self, indent: int | None = 2) -> str:
        """The envelope as JSON."""
        return json.dumps(self.error, indent=indent)


def _denied(reason: str, message: str, **metadata: str) -> Answer:
    return Answer(reason, 403, "PERMISSION_DENIED", message, reason, tuple(metadata.items()))


_CONSUMER = {"consumer": f"projects/{PROJECT}"}
ANSWERS = (
    Answer("API_KEY_INVALID", 400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", "API_KEY_INVALID"),
    Answer("API_KEY_INVALID", 400, "INVALID_ARGUMENT", "API Key not found. Please pass a valid API key.", "API_KEY_INVALID"),
    Answer("API_KEY_INVALID", 400, "INVALID_ARGUMENT", "API key expired. Please renew the API key.", "API_KEY_INVALID"),
    Answer("ACCESS_TOKEN_TYPE_UNSUPPORTED", 401, "UNAUTHENTICATED",
           "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
           "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
           "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
    Answer("unauthenticated", 401, "UNAUTHENTICATED",
           "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
           "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."),
    Answer("CREDENTIALS_MISSING", 401, "UNAUTHENTICATED",
           "API keys are not supported by this API. Expected OAuth2 access token or other authentication credentials "
           "that assert a principal. See https://cloud.google.com/docs/authentication", "CREDENTIALS_MISSING"),
    Answer("leaked", 403, "PERMISSION_DENIED", "Your API key was reported as leaked. Please use another API key."),
    _denied("CONSUMER_SUSPENDED", f"Permission denied: Consumer 'api_key:{KEY}' has been suspended.", **_CONSUMER),
    Answer("project_denied", 403, "PERMISSION_DENIED", "Your project has been denied access. Please contact support."),
    _denied("SERVICE_DISABLED",
            f"Generative Language API has not been used in project {PROJECT} before or it is disabled. Enable it by "
            f"visiting https://console.developers.google.com/apis/api/{SERVICE}/overview?project={PROJECT} then retry. If "
            "you enabled this API recently, wait a few minutes for the action to propagate to our systems and retry.",
            **_CONSUMER),
    _denied("API_KEY_SERVICE_BLOCKED",
            f"Requests to this API {SERVICE} method google.ai.generativelanguage.v1beta.GenerativeService.GenerateContent "
            "are blocked.", **_CONSUMER),
    _denied("API_KEY_HTTP_REFERRER_BLOCKED", "Requests from referer <empty> are blocked.", httpReferrer="<empty>"),
    _denied("API_KEY_IP_ADDRESS_BLOCKED",
            "The provided API key has an IP address restriction. The originating IP address of the call (203.0.113.9) "
            "violates this restriction.", callerIp="203.0.113.9"),
    _denied("BILLING_DISABLED",
            f"This API method requires billing to be enabled. Please enable billing on project #{PROJECT} by visiting "
            f"https://console.developers.google.com/billing/enable?project={PROJECT} then retry.", **_CONSUMER),
    Answer("unregistered callers", 403, "PERMISSION_DENIED",
           "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other "
           "form of API consumer identity to call this API."),
    Answer("PERMISSION_DENIED", 403, "PERMISSION_DENIED", "The caller does not have permission"),
    Answer("ACCESS_TOKEN_SCOPE_INSUFFICIENT", 403, "PERMISSION_DENIED",
           "Request had insufficient authentication scopes.", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
    Answer("region", 400, "FAILED_PRECONDITION", "User location is not supported for the API use."),
    Answer("several_credentials", 400, "INVALID_ARGUMENT",
           "Multiple authentication credentials received. Please pass only one."),
    Answer("no_key_sent", 400, "INVALID_ARGUMENT", "Missing or invalid Authorization header."),
    Answer("bad_request", 400, "INVALID_ARGUMENT", "* GenerateContentRequest.contents: contents is not specified"),
    Answer("bad_request", 400, "INVALID_ARGUMENT", "Please use a valid role: user, model."),
    Answer("not_found", 404, "NOT_FOUND",
           "models/gemini-pro is not found for API version v1beta, or is not supported for generateContent. Call "
           "ListModels to see the list of available models and their supported methods."),
    Answer("quota", 429, "RESOURCE_EXHAUSTED",
           "You exceeded your current quota, please check your plan and billing details. For more information on this "
           "error, head to: https://ai.google.dev/gemini-api/docs/rate-limits."),
    Answer("credits", 429, "RESOURCE_EXHAUSTED",
           "Your prepayment credits are depleted. Please go to AI Studio to manage your project and billing."),
    Answer("server", 503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    Answer("server", 500, "INTERNAL", "An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting"),
)  # fmt: skip
"""One for each thing that the API says of a key, a project or a request."""
