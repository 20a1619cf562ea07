"""Reads the text of a key from the content of a store: decodes bytes, and takes a field of a JSON document."""

from __future__ import annotations

import codecs
import json
import re
from typing import Any

from genai_credentials.errors import ConfigurationError, InvalidSecret
from genai_credentials.keytext import invalid

# Longer marks come first: the mark of UTF-32 begins with the mark of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decoded(content: bytes, what: str) -> str:
    """Decode bytes as UTF-8, or as the encoding that a byte-order mark names. PowerShell writes such marks.

    Args:
        content: The bytes.
        what: The place that holds the bytes, for the error.

    Raises:
        InvalidSecret: The bytes are no text.
    """
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8-sig")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        # Raised outside this block, because the caught error holds the content and must not be its context.
        problem = InvalidSecret(f"{what} is binary, not UTF-8 text.", remedy="Store the key as plain text.")
    raise problem


def checked_field(field: object) -> str | None:
    """Check the name of a field or a JSON Pointer (RFC 6901), and return it; None if it is empty.

    Raises:
        ConfigurationError: It is no text; or it starts with "/" and is no JSON Pointer.
    """
    if field is None or field == "":
        return None
    if not isinstance(field, str):
        raise ConfigurationError(f"field is {type(field).__name__}, not text.", remedy="Pass the name of a field.")
    if field.startswith("/") and re.search(r"~(?![01])", field):
        raise ConfigurationError(
            f"field={field!r} is not a JSON Pointer: '~' must be followed by 0 or 1.",
            remedy="Write '~0' for '~' and '~1' for '/' in a name.",
        )
    return field


def extract_field(text: str, field: str | None, where: str) -> str:
    """Return the string in one field of a JSON document. Without a field, return the whole text.

    Args:
        text: The content of the store.
        field: A name in a JSON object, or a JSON Pointer (RFC 6901) such as "/google/api_key" if it starts with "/".
            For a name that itself starts with "/", use a pointer that begins with "/~1". None means that the whole
            text is the key.
        where: The name of the provider, for the error.

    Raises:
        InvalidSecret: The text is no JSON, has no such field, or the field is no string. The message names the fields
            that exist and never a value.
    """
    if field is None:
        return text
    value, passed = _document(text, field, where), ""
    for name in names_to(field):
        value = _member(value, name, passed, field, where)
        passed += "/" + name.replace("~", "~0").replace("/", "~1")
    if not isinstance(value, str):
        raise invalid(where, f"has {type(value).__name__}, not text, in the field {field!r}", "Store a string there.")
    return value


def names_to(field: str) -> list[str]:
    """Return the names on the way to a field, from the top of the document. An index in a list is a name too."""
    if not field.startswith("/"):
        return [field]
    return [name.replace("~1", "/").replace("~0", "~") for name in field[1:].split("/")]


def _document(text: str, field: str, where: str) -> Any:
    try:
        document = json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        # Raised outside this block: a JSONDecodeError holds the whole document, and so the key.
        document = None
    if isinstance(document, dict) or (isinstance(document, list) and field.startswith("/")):
        return document
    problem = f"is not a JSON object, so it has no field {field!r}"
    raise invalid(where, problem, "Store a JSON object there. For a bare key, leave out the field.")


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
    raise invalid(where, f"has no field {field!r}: the value{at} is {kind}", "Name a field that exists.")


def _safe_name(name: str) -> str:
    return name if re.fullmatch(r"[\w.\-/ ]{1,32}", name) else "(an unprintable or long name)"
