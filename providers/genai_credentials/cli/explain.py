"""`genai-credentials explain`: the meaning of a pasted error for the key."""

from __future__ import annotations

import sys
from collections import deque
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

import click

from genai_credentials.cli import meanings, screens
from genai_credentials.cli.causes import EXITS, Meaning
from genai_credentials.cli.output import OK, Misconfigured, Printer, echo, emit, json_option
from genai_credentials.cli.reading.cleaning import MOST
from genai_credentials.cli.usage import Verb

if TYPE_CHECKING:
    from genai_credentials.writing.text import Encoding

LEADS = {
    "refused": "It is the key",
    "no_key": "The key is missing",
    "misconfigured": "It is not the key: something is set up wrong",
    "not_the_key": "It is not the key",
    "unknown": "The cause is unclear",
}
ANSWERS = {"refused": "yes", "no_key": "yes", "misconfigured": "no", "not_the_key": "no", "unknown": "unclear"}

# A pasted error may start with a dash, or be left unquoted.
_ANYTHING = {"ignore_unknown_options": True}
_AT_ONCE = 65_536


@click.command(cls=Verb, short_help="Explain an error: is the key the cause?", context_settings=_ANYTHING)
@json_option
@click.argument("text", nargs=-1, type=click.UNPROCESSED)
def explain(as_json: bool, text: tuple[str, ...]) -> None:
    """Explain an error: whether the key is the cause, the likely causes, and the command to run next.

    TEXT is an error of the SDK, a traceback, a JSON body, a log line or the output of curl. Without TEXT, and for -,
    the text is read from standard input. The text may hold a key, so it is never printed and never sent.

    \b
    Examples:
      genai-credentials explain "401 None. {'error': {'message': ...}}"
      kubectl logs deploy/app | tail -50 | genai-credentials explain

    \b
    Exit codes:
      0  the key is not the cause
      1  the key is the cause: it was refused, or it is missing
      2  the set-up is the cause, not the key; or an option is wrong
      3  the cause is unclear
    """
    whole = _standard_input() if text in ((), ("-",)) else " ".join(text)
    if not whole.strip():
        example = 'genai-credentials explain "401 None. ..."'
        raise Misconfigured(f"There is no text to explain.\nPaste the error as an argument, or pipe it in: {example}")
    meaning, status = meanings.of_pasted(whole)
    code = OK if meaning.verdict == "not_the_key" else EXITS[meaning.verdict]
    if as_json:
        emit(
            {
                "is_it_the_key": ANSWERS[meaning.verdict],
                "status": status,
                **meaning.document(),
                "exit_code": code,
            }
        )
    else:
        _show(Printer(), meaning, status)
    raise click.exceptions.Exit(code)


def _show(printer: Printer, meaning: Meaning, status: int | None) -> None:
    number = f" ({status})" if status else ""
    printer.say(f"{LEADS[meaning.verdict]}{number}.", style=screens.COLOURS[meaning.verdict])
    printer.say(meaning.title)
    screens.body(printer, meaning)


def _standard_input() -> str:
    if sys.stdin is None:  # closed by the shell
        return ""
    if sys.stdin.isatty():
        echo("Paste the error, then press Ctrl-D.", err=True)
    read = partial(sys.stdin.buffer.read, _AT_ONCE)
    first = read()
    mark, codec = _encoding(first)
    # Only the end counts, and a log may be larger than the memory.
    kept = deque(chain([first[len(mark) :]], iter(read, b"")), maxlen=4 * MOST // _AT_ONCE + 1)
    return b"".join(kept).decode(codec, "replace")


def _encoding(start: bytes) -> Encoding:
    """The encoding of a text. PowerShell writes UTF-16. Without many zero bytes, the first bytes are not a mark."""
    from genai_credentials.writing.text import UTF_8, encoding_of

    return encoding_of(start) if 8 * start.count(0) > len(start) else UTF_8
