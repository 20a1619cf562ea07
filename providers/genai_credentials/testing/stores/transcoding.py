"""Turns REST calls of Secret Manager into messages, by Google's HTTP rules (google/api/http.proto)."""

from __future__ import annotations

import re
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from genai_credentials.testing.servers import RefusedError
from genai_credentials.testing.stores.keep_alive import Request

__all__ = ["error_body", "method_and_message", "reply"]

_PARENT = r"projects/[^/:]+(?:/locations/[^/:]+)?"
_SECRET = rf"{_PARENT}/secrets/[^/:]+"
_VERSION = rf"{_SECRET}/versions/[^/:]+"


class Rule(NamedTuple):
    """The HTTP rule of a method: its name, the verb, the path with a named group, and the field of the body."""

    method: str
    verb: str
    path: str
    body: str = ""


RULES = (
    Rule("CreateSecret", "POST", rf"(?P<parent>{_PARENT})/secrets", "secret"),
    Rule("ListSecrets", "GET", rf"(?P<parent>{_PARENT})/secrets"),
    Rule("GetSecret", "GET", rf"(?P<name>{_SECRET})"),
    Rule("UpdateSecret", "PATCH", rf"(?P<secret>{_SECRET})", "secret"),
    Rule("DeleteSecret", "DELETE", rf"(?P<name>{_SECRET})"),
    Rule("AddSecretVersion", "POST", rf"(?P<parent>{_SECRET}):addVersion", "*"),
    Rule("ListSecretVersions", "GET", rf"(?P<parent>{_SECRET})/versions"),
    Rule("GetSecretVersion", "GET", rf"(?P<name>{_VERSION})"),
    Rule("AccessSecretVersion", "GET", rf"(?P<name>{_VERSION}):access"),
    Rule("EnableSecretVersion", "POST", rf"(?P<name>{_VERSION}):enable", "*"),
    Rule("DisableSecretVersion", "POST", rf"(?P<name>{_VERSION}):disable", "*"),
    Rule("DestroySecretVersion", "POST", rf"(?P<name>{_VERSION}):destroy", "*"),
)

# https://cloud.google.com/apis/docs/system-parameters: these are not members of a message.
_OF_THE_SYSTEM = ("$", "alt", "key", "access_token", "callback", "fields", "prettyPrint", "quotaUser", "upload")

_HTTP = {
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "CANCELLED": 499,
    "DATA_LOSS": 500,
    "DEADLINE_EXCEEDED": 504,
    "INTERNAL": 500,
    "NOT_FOUND": 404,
    "PERMISSION_DENIED": 403,
    "RESOURCE_EXHAUSTED": 429,
    "UNAUTHENTICATED": 401,
    "UNAVAILABLE": 503,
    "UNIMPLEMENTED": 501,
    "UNKNOWN": 500,
}
"""Source: google/rpc/code.proto. Every other code is 400."""


def method_and_message(request: Request, kinds: dict[str, type[Any]]) -> tuple[str, Any]:
    """Return the method that a request calls, and its message.

    Args:
        request: The request over HTTP.
        kinds: The class of each method's message.

    Raises:
        RefusedError: The emulator has no method with this path, or the content is no valid message.
    """
    path = unquote(urlsplit(request.target).path).removeprefix("/v1/")
    for rule in RULES:
        if rule.verb == request.method and (found := re.fullmatch(rule.path, path)):
            return rule.method, _message(kinds[rule.method], rule, found.groupdict(), request)
    # The emulator has no methods for IAM policies.
    raise RefusedError("UNIMPLEMENTED", f"The emulator has no method for {request.method} /v1/{path}.")


def _message(kind: type[Any], rule: Rule, named: dict[str, str], request: Request) -> Any:
    from google.protobuf.json_format import ParseDict, ParseError

    fields: dict[str, Any] = dict(request.body) if rule.body == "*" else {}
    if rule.body not in ("", "*"):
        fields[rule.body] = dict(request.body)
    query = parse_qsl(urlsplit(request.target).query, keep_blank_values=True)
    fields |= {name: value for name, value in query if not name.startswith(_OF_THE_SYSTEM)}
    for name, value in named.items():
        # For a change, the name of the secret is a member of the secret.
        fields |= {name: {**fields[name], "name": value}} if name == rule.body else {name: value}
    message = kind()
    try:
        ParseDict(fields, kind.pb(message))
    except ParseError as error:
        raise RefusedError("INVALID_ARGUMENT", f"Invalid JSON payload received. {error}") from None
    return message


def reply(answer: Any, request: Request) -> dict[str, Any]:
    """Return a message as JSON. Enums are numbers if the request asks for them, as requests of the stock client do."""
    from google.protobuf.json_format import MessageToDict

    numbers = "enum-encoding=int" in unquote(request.target)
    # Empty is a plain protobuf message. The messages of the service are proto-plus.
    plain = answer if hasattr(answer, "DESCRIPTOR") else type(answer).pb(answer)
    document: dict[str, Any] = MessageToDict(plain, use_integers_for_enums=numbers)
    return document


def error_body(refusal: RefusedError) -> tuple[int, dict[str, Any]]:
    """Return the HTTP status and the body of an error (https://cloud.google.com/apis/design/errors)."""
    http = _HTTP.get(refusal.code, 400)
    return http, {"error": {"code": http, "message": refusal.message, "status": refusal.code}}
