"""A key that a person types, without an echo, or that comes from standard input."""

from __future__ import annotations

import re
import sys

import click

from genai_credentials.cli.output import Misconfigured, know
from genai_credentials.errors import InvalidSecret
from genai_credentials.key import ApiKey

MOST_BYTES = 65_536
GIVE_IT = "Give the key alone, without anything around it."


def is_asked() -> bool:
    """Whether a person sits at a terminal who can be asked."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr is not None and sys.stderr.isatty()


def typed_text(name: str, purpose: str = "to store") -> str:
    """The text that is to be a key.

    Args:
        name: What it is for; shown where a person is asked.
        purpose: What is to be done with it, for the error.

    Raises:
        Misconfigured: There is no input, or a terminal that would show what is typed.
    """
    if sys.stdin is None:  # closed by the shell
        raise Misconfigured(f"There is no key {purpose}.\nPipe it in, or run this on a terminal.")
    if sys.stdin.isatty():
        return _asked(name)
    from genai_credentials.writing.text import encoding_of

    content = sys.stdin.buffer.read(MOST_BYTES + 1)
    encoding = encoding_of(content)
    return content[len(encoding.mark) :].decode(encoding.codec, "replace")


def typed_key(text: str) -> ApiKey:
    """The key that a typed text is.

    Raises:
        InvalidSecret: It is none.
    """
    try:
        key = ApiKey(text, provider="the input")
    except InvalidSecret as error:
        remedy = GIVE_IT if re.search(r"field|next provider|lines NAME", error.remedy) else error.remedy
        problem = InvalidSecret(error.message.replace("the stored value", "the given value"), remedy=remedy)
    else:
        know(key)
        return key
    # Outside of the block: what was caught may hold the text.
    raise problem


def _asked(name: str) -> str:
    import getpass
    import warnings

    with warnings.catch_warnings():
        # What it says when it cannot switch the echo off.
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(f"Key for {name} (not shown): ")
        except getpass.GetPassWarning:
            pass
        except EOFError:
            raise click.Abort from None
    raise Misconfigured("This terminal would show the key.\nPipe it in instead.")
