"""REST calls of Secret Manager, as messages: Google's HTTP rules (google/api/http.proto) for its methods."""

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
    """How one method is called: its name, the verb, the path with its name in a group, and the field of the body."""

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

# https://cloud.google.com/apis/docs/system-parameters: they belong to no message.
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
"""google/rpc/code.proto; whatever is not here is 400."""


def method_and_message(request: Request, kinds: dict[str, type[Any]]) -> tuple[str, Any]:
    """The method that a request calls, and its message.

    Args:
        request: As it came over HTTP.
        kinds: The class of each method's message.

    Raises:
        RefusedError: The emulator plays no method with this path, or what was sent is no such message.
    """
    path = unquote(urlsplit(request.target).path).removeprefix("/v1/")
    for rule in RULES:
        if rule.verb == request.method and (found := re.fullmatch(rule.path, path)):
            return rule.method, _message(kinds[rule.method], rule, found.groupdict(), request)
    # Among those that the emulator doesn't play are all that read and write policies of IAM.
    raise RefusedError("UNIMPLEMENTED", f"The emulator has no method for {request.method} /v1/{path}.")


def _message(kind: type[Any], rule: Rule, named: dict[str, str], request: Request) -> Any:
    from google.protobuf.json_format import ParseDict, ParseError

    fields: dict[str, Any] = dict(request.body) if rule.body == "*" else {}
    if rule.body not in ("", "*"):
        fields[rule.body] = dict(request.body)
    query = parse_qsl(urlsplit(request.target).query, keep_blank_values=True)
    fields |= {name: value for name, value in query if not name.startswith(_OF_THE_SYSTEM)}
    for name, value in named.items():
        # The name of a secret that is changed is inside of the secret.
        fields |= {name: {**fields[name], "name": value}} if name == rule.body else {name: value}
    message = kind()
    try:
        ParseDict(fields, kind.pb(message))
    except ParseError as error:
        raise RefusedError("INVALID_ARGUMENT", f"Invalid JSON payload received. {error}") from None
    return message


def reply(answer: Any, request: Request) -> dict[str, Any]:
    """A message in JSON; enums by number where that is asked for, as the stock client does."""
    from google.protobuf.json_format import MessageToDict

    numbers = "enum-encoding=int" in unquote(request.target)
    # Empty is a plain protobuf message, the service's own are proto-plus.
    plain = answer if hasattr(answer, "DESCRIPTOR") else type(answer).pb(answer)
    document: dict[str, Any] = MessageToDict(plain, use_integers_for_enums=numbers)
    return document


def error_body(refusal: RefusedError) -> tuple[int, dict[str, Any]]:
    """The HTTP status and the body of an error (https://cloud.google.com/apis/design/errors)."""
    http = _HTTP.get(refusal.code, 400)
    return http, {"error": {"code": http, "message": refusal.message, "status": refusal.code}}
