"""Guesses what a wrong URI was meant to be: a misspelt scheme, a missing scheme, links joined by commas.

A message never quotes the text: a text that is no URI may be a key in the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_ALIASES = {
    "agent": "aws-agent",
    "asm": "aws",
    "environ": "env",
    "environment": "env",
    "gcloud": "google",
    "gcp": "google",
    "gsm": "google",
    "path": "file",
    "secret-manager": "google",
    "secretmanager": "google",
    "secrets-manager": "aws",
    "secretsmanager": "aws",
}
"""Another name of a source -> its scheme."""

_BARE = {
    r"projects/.+/secrets/.+": "google:projects/acme/secrets/gemini-api-key",
    r"arn:aws.*:secretsmanager:.+": "aws:arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME",
    r"(.*/)?\.env(\.\w+)?": "dotenv:.env",
    r"~?\.{0,2}/.+": "file:/run/secrets/gemini",
    r"[A-Z]+(_[A-Z0-9]+)+": "env:GEMINI_API_KEY",
}
"""Pattern of a text without a scheme -> an example of the complete URI."""

SEPARATE = 'Separate links by spaces: "env: file:/run/secrets/gemini".'
ONE_BY_ONE = "Pass each URI as a separate argument, without quotes or brackets around several URIs."
_QUOTES = ("'", '"', "`", "\u201c", "\u2018")
_NEAR = 0.7


def proposal(text: str, known: Collection[str]) -> str:
    """Return what to write in place of a wrong URI, as a sentence; empty if that is not clear.

    Args:
        text: The wrong URI. The result does not quote it.
        known: The known schemes.
    """
    if are_joined(text, known):
        return SEPARATE
    if text[:1] in _QUOTES or text[-1:] in _QUOTES:
        return "Remove the quotes around the text: they are part of the value here."
    for pattern, example in _BARE.items():
        if re.fullmatch(pattern, text):
            return f"Write the scheme before it, as in {example}"
    meant = scheme_meant(text.partition(":")[0], known)
    return f"Did you mean {meant}:?" if meant else ""


def are_joined(text: str, known: Collection[str]) -> bool:
    """Return whether a text is several links, joined by a character other than white space."""
    _, *others = re.split(r"[,;|]\s*", text)
    return any(":" in other and other.partition(":")[0] in known for other in others)


def scheme_meant(word: str, known: Collection[str]) -> str:
    """Return the known scheme that is most similar to a word; empty if none is similar."""
    from difflib import get_close_matches  # rarely needed

    word = re.sub(r"^\W+|\W+$", "", word.lower()).replace("_", "-")
    # difflib takes `evn` and `env` for less alike than `_NEAR`: of three letters, two change their places.
    swapped = [name for name in (word, *sorted(known)) if name in known and sorted(name) == sorted(word)]
    near = swapped or get_close_matches(word, sorted({*known, *_ALIASES}), 1, _NEAR)
    return _ALIASES.get(near[0], near[0]) if near else ""


def in_uris(remedy: str) -> str:
    """Return a remedy with URIs in place of the names of classes."""
    return remedy.replace("Env('GEMINI_API_KEY')", "env:GEMINI_API_KEY").replace("Env()", "env:")
