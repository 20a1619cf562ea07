"""From what a store holds to the text of a key: its encoding, and the field of a JSON document."""

from __future__ import annotations

import codecs
import json
import re
from typing import Any

from genai_credentials.errors import ConfigurationError, InvalidSecret
from genai_credentials.keytext import invalid

# The longer first: the mark of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decoded(content: bytes, what: str) -> str:
    """The text in bytes: UTF-8, or what a byte-order mark says, as PowerShell writes it.

    Args:
        content: The bytes.
        what: What holds them, for the error.

    Raises:
        InvalidSecret: It is no text.
    """
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8-sig")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        # Not chained: the error carries the content.
        problem = InvalidSecret(f"{what} is binary, not UTF-8 text.", remedy="Store the key as plain text.")
    raise problem


def checked_field(field: object) -> str | None:
    """The name of a field, or the JSON Pointer (RFC 6901) to one; None where it is empty.

    Raises:
        ConfigurationError: It is no text, or starts with "/" and is no JSON Pointer.
    """
    if field is None or field == "":
        return None
    if not isinstance(field, str):
        raise ConfigurationError(f"field is {type(field).__name__}, not text.", remedy="Name the field of the key.")
    if field.startswith("/") and re.search(r"~(?![01])", field):
        raise ConfigurationError(
            f"field={field!r} is no JSON Pointer: after '~' stands 0 or 1.",
            remedy="Write '~0' for '~' and '~1' for '/' in a name.",
        )
    return field


def extract_field(text: str, field: str | None, where: str) -> str:
    """The string in one field of a JSON document, or the text itself when no field is named.

    Args:
        text: What the store holds.
        field: A name in a JSON object, or, when it starts with "/", a JSON Pointer (RFC 6901) such as
            "/google/api_key"; the pointer to a name that starts with "/" itself begins with "/~1". None means that the
            whole text is the API key.
        where: The provider's name, for the error.

    Raises:
        InvalidSecret: Not JSON, no such field, or not a string; it names the fields, never a value.
    """
    if field is None:
        return text
    value, passed = _document(text, field, where), ""
    for name in names_to(field):
        value = _member(value, name, passed, field, where)
        passed += "/" + name.replace("~", "~0").replace("/", "~1")
    if not isinstance(value, str):
        raise invalid(where, f"has no text in the field {field!r}, but {type(value).__name__}", "Store a string.")
    return value


def names_to(field: str) -> list[str]:
    """The names that lead to a field, from the top of the document; an index in a list is one, too."""
    if not field.startswith("/"):
        return [field]
    return [name.replace("~1", "/").replace("~0", "~") for name in field[1:].split("/")]


def _document(text: str, field: str, where: str) -> Any:
    try:
        document = json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        # Not chained: a JSONDecodeError carries the whole document, and so the key.
        document = None
    if isinstance(document, dict) or (isinstance(document, list) and field.startswith("/")):
        return document
    problem = f"was to hold a JSON object with the field {field!r}, and does not"
    raise invalid(where, problem, "Store a JSON object there, or leave the field out for a bare key.")


def _member(value: Any, name: str, passed: str, field: str, where: str) -> Any:
    if isinstance(value, dict) and name in value:
        return value[name]
    if isinstance(value, list) and re.fullmatch(r"0|[1-9][0-9]{0,5}", name) and int(name) < len(value):
        return value[int(name)]
    at = f" at {passed!r}" if passed else ""
    if isinstance(value, dict):
        names = ", ".join(sorted(_safe_name(known) for known in value)[:10]) or "none"
        raise invalid(where, f"has no field {field!r}; its fields{at} are: {names}", "Name one of them.")
    kind = f"a list of {len(value)}" if isinstance(value, list) else f"{type(value).__name__}, without fields"
    raise invalid(where, f"has no field {field!r};{at or ' there'} is {kind}", "Name a field that is there.")


def _safe_name(name: str) -> str:
    return name if re.fullmatch(r"[\w.\-/ ]{1,32}", name) else "(an unprintable or long name)"
