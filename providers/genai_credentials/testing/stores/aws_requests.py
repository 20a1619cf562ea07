"""Checks of a request to AWS Secrets Manager before any secret is read: sizes, tokens, values."""

from __future__ import annotations

import base64
import re

from genai_credentials.testing.servers import RefusedError
from genai_credentials.testing.stores.aws_secret import MOST_LABELS, Json

__all__ = ["SECRET_FIELDS", "checked", "value_of"]

SECRET_FIELDS = ("SecretString", "SecretBinary")
MOST_BYTES = 65_536
_NAME = re.compile(r"[A-Za-z0-9/_+=.@!-]{1,512}")


def checked(params: Json) -> Json:
    """Return the request if its parameters have allowed sizes.

    Raises:
        RefusedError: A parameter is too long or too short.
    """
    token = params.get("ClientRequestToken")
    if token is not None and not 32 <= len(token) <= 64:
        raise RefusedError("InvalidParameterException", "ClientRequestToken must be 32-64 characters long.")
    for name, value in (("SecretString", params.get("SecretString", "").encode()), ("SecretBinary", _binary(params))):
        if len(value) > MOST_BYTES:
            raise _too_long(name, MOST_BYTES)
    for name, most in (("VersionStages", MOST_LABELS), ("RotationLambdaARN", 2048)):
        if len(params.get(name) or ()) > most:
            raise _too_long(name, most)
    if not _NAME.fullmatch(params.get("Name", "name")):
        message = (
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"
        )
        raise RefusedError("ValidationException", message)
    return params


def value_of(params: Json) -> Json:
    """Return the SecretString or the SecretBinary of a request; an empty object if it has neither.

    Raises:
        RefusedError: The request has both.
    """
    value = {name: params[name] for name in SECRET_FIELDS if params.get(name)}
    if len(value) > 1:
        message = "You can't specify both a binary secret value and a string secret value in the same secret."
        raise RefusedError("InvalidParameterException", message)
    return value


def _binary(params: Json) -> bytes:
    try:
        return base64.b64decode(params.get("SecretBinary", ""))
    except ValueError:
        raise RefusedError("SerializationException", "SecretBinary is not base64.") from None


def _too_long(name: str, most: int) -> RefusedError:
    where = f"{name[0].lower()}{name[1:]}"
    return RefusedError(
        "ValidationException",
        f"1 validation error detected: Value at '{where}' failed to satisfy constraint: "
        f"Member must have length less than or equal to {most}",
    )
