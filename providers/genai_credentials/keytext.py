"""Cleans the text of a key, and refuses texts that cannot be a key."""

from __future__ import annotations

import json
import re

from genai_credentials.errors import InvalidSecret

MAX_BYTES = 4096
_PLACEHOLDERS = frozenset(
    name.replace("_", "")
    for name in (
        "YOUR_API_KEY",
        "YOUR_API_KEY_HERE",
        "YOUR_KEY",
        "YOUR_KEY_HERE",
        "YOUR_GEMINI_API_KEY",
        "YOUR_GEMINI_API_KEY_HERE",
        "YOUR_GOOGLE_API_KEY",
        "YOUR_GOOGLE_API_KEY_HERE",
        "INSERT_API_KEY_HERE",
        "INSERT_YOUR_API_KEY_HERE",
        "API_KEY",
        "API_KEY_HERE",
        "GEMINI_API_KEY",
        "GOOGLE_API_KEY",
        "REPLACE_ME",
        "CHANGE_ME",
        "CHANGEME",
        "PASTE_YOUR_API_KEY_HERE",
        "GENAI_CREDENTIALS_PLACEHOLDER",
    )
)
"""Placeholders from documentation. Only the letters of a text are compared, so that each spelling matches."""

_QUOTES = {'"': '"', "'": "'", "`": "`", "\u201c": "\u201d", "\u2018": "\u2019"}

# A base64 text may end in "=". So a line is an assignment only if a value follows the "=".
_ASSIGNMENT = re.compile(r"(?:export\s+|set\s+|\$env:)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*[^=\s].*")
_NAME_OF_A_KEY = re.compile(r"[A-Z][A-Z0-9_]*|\w*(?i:key|token|secret)")
_SEPARATORS = {",": "commas", ";": "semicolons"}
_ONE = "Store one key alone. For a file of lines NAME=value, use a dotenv: URI."


def clean(text: str, where: str) -> tuple[str, tuple[str, ...]]:
    """Return the key in a copied text, and the names of the parts that were removed from the text.

    A line break at the end is removed without a note, because each editor and `echo` write one.

    Args:
        text: The text that a provider found.
        where: The name of the provider, for the error.

    Raises:
        InvalidSecret: The text is empty, too long, several keys, or has characters that no key has.
    """
    if not isinstance(text, str):
        raise invalid(where, f"is {type(text).__name__}, not text", "Store the key as plain text.")
    if len(text) > 16 * MAX_BYTES:
        raise _too_long(where, len(text))
    notes: list[str] = []
    bare = re.sub(r"\r?\n\Z", "", text)
    while True:
        stripped = bare.strip()
        if stripped != bare:
            notes.append("surrounding white space")
        if stripped.startswith("\ufeff"):
            notes.append("a byte-order mark")
            bare = stripped.lstrip("\ufeff")
        elif len(stripped) > 1 and _QUOTES.get(stripped[0]) == stripped[-1]:
            notes.append("quotes")
            bare = stripped[1:-1]
        else:
            break
    _refuse(stripped, where)
    return stripped, tuple(dict.fromkeys(notes))


def invalid(where: str, what: str, remedy: str) -> InvalidSecret:
    """Return the error for a stored text that cannot be a key.

    Args:
        where: The name of the provider.
        what: The rest of a sentence about the text, such as "is empty". It never quotes the text.
        remedy: What to do next.
    """
    return InvalidSecret(f"{where}: the stored value {what}.", remedy=remedy)


def _refuse(text: str, where: str) -> None:
    if not text:
        raise invalid(where, "is empty", "Store a key there, or remove the value, so that the next provider is asked.")
    if (several := _as_a_list(text) or _as_lines(text) or _with_separators(text)) is not None:
        raise invalid(where, *several)
    if len(text) > MAX_BYTES:
        raise _too_long(where, len(text))
    if re.match(r"(?i)bearer\s", text):
        raise invalid(where, "starts with 'Bearer '", "Store the key alone, without 'Bearer '.")
    if text.startswith("{"):
        raise invalid(where, "is a JSON object", "Name the key's field: field='…', or '#field' in a URI.")
    if re.search(r"\s", text):
        lines = f" ({len(text.splitlines())} lines)" if len(text.splitlines()) > 1 else ""
        remedy = "Store one key without white space. This may be several keys, or a key with a line break in it."
        raise invalid(where, f"has white space inside{lines}", remedy)
    if not text.isascii():
        raise invalid(where, "has characters outside ASCII", "Copy the key again, from a page without formatting.")
    if not text.isprintable():
        raise invalid(where, "has control characters inside", "Store the key again, as plain text.")
    if re.sub(r"[^A-Z]", "", text.upper()) in _PLACEHOLDERS:
        raise invalid(where, "is a placeholder, not a key", "Store the real key there.")


def _too_long(where: str, length: int) -> InvalidSecret:
    return invalid(where, f"has {length} characters; a key has at most {MAX_BYTES}", "Check the secret's name.")


# The next three functions recognise a text with several keys. They return the problem and the remedy, and None for
# every other text.


def _as_a_list(text: str) -> tuple[str, str] | None:
    if not text.startswith("["):
        return None
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return None
    what = f"holds several keys: a JSON list of {len(values)}" if len(values) > 1 else "is a JSON list"
    return what, "Store one key alone, or name one of them: field='/0', or '#/0' in a URI."


def _as_lines(text: str) -> tuple[str, str] | None:
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    found = [_ASSIGNMENT.fullmatch(line) for line in lines]
    if not found or not all(found):
        return None
    if len(found) > 1:
        return f"holds several keys: {len(found)} lines NAME=value", _ONE
    # A single line may be a key with a "=" in it. It is an assignment only if it starts with the name of a variable.
    named = found[0] is not None and _NAME_OF_A_KEY.fullmatch(found[0][1])
    return ("is a line NAME=value, not the value alone", _ONE) if named else None


def _with_separators(text: str) -> tuple[str, str] | None:
    for mark, name in _SEPARATORS.items():
        values = [value.strip() for value in text.split(mark)]
        # A part with white space inside is a sentence or something else, but no key.
        if len(values) > 1 and not any(re.search(r"\s", value) for value in values):
            filled = sum(map(bool, values))
            what = f"holds several keys: {filled} values, separated by {name}"
            return what if filled > 1 else f"has {name} beside the key", _ONE
    return None
