"""A key from standard input. A terminal does not show it while a person types."""

from __future__ import annotations

import re
import sys

import click

from genai_credentials.cli.output import Misconfigured, know
from genai_credentials.errors import InvalidSecret
from genai_credentials.key import ApiKey

MOST_BYTES = 65_536
GIVE_IT = "Give the key alone, without any other text."


def is_asked() -> bool:
    """Whether there is a terminal, with a person who can answer a question."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr is not None and sys.stderr.isatty()


def typed_text(name: str, purpose: str = "to store") -> str:
    """Return the text for a key, from standard input.

    Args:
        name: What the key is for. The question on a terminal shows it.
        purpose: What the command does with the key, for the error.

    Raises:
        Misconfigured: Standard input is closed, or the terminal would show the key.
    """
    if sys.stdin is None:  # closed by the shell
        raise Misconfigured(
            f"There is no key {purpose}: standard input is closed.\nPipe the key in, or run the command on a terminal."
        )
    if sys.stdin.isatty():
        return _asked(name)
    from genai_credentials.writing.text import encoding_of

    content = sys.stdin.buffer.read(MOST_BYTES + 1)
    encoding = encoding_of(content)
    return content[len(encoding.mark) :].decode(encoding.codec, "replace")


def typed_key(text: str) -> ApiKey:
    """Return the key that a typed text holds.

    Raises:
        InvalidSecret: The text is not a key.
    """
    try:
        key = ApiKey(text, provider="the input")
    except InvalidSecret as error:
        remedy = GIVE_IT if re.search(r"field|next provider|lines NAME", error.remedy) else error.remedy
        problem = InvalidSecret(error.message.replace("the stored value", "the given value"), remedy=remedy)
    else:
        know(key)
        return key
    # Outside of the block: the frames of the caught error may hold the text.
    raise problem


def _asked(name: str) -> str:
    import getpass
    import warnings

    with warnings.catch_warnings():
        # getpass warns when it cannot switch off the echo of the terminal.
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(f"Key for {name} (not shown): ")
        except getpass.GetPassWarning:
            pass
        except EOFError:
            raise click.Abort from None
    raise Misconfigured("This terminal would show the key while you type.\nPipe the key in.")
