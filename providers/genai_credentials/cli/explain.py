"""`genai-credentials explain`: what a pasted error means for the key."""

from __future__ import annotations

import sys

import click

from genai_credentials.cli import meanings, pages, pasted
from genai_credentials.cli.causes import EXITS, UNRECOGNISED, Meaning
from genai_credentials.cli.output import OK, Misconfigured, Printer, emit, json_option
from genai_credentials.rejection import classify_close

LEADS = {
    "refused": "It is the key",
    "no_key": "It is the key: there is none",
    "misconfigured": "It is not the key's text, but how things are set up",
    "not_the_key": "It is not the key",
    "unknown": "Could not tell",
}
ANSWERS = {"refused": "yes", "no_key": "yes", "misconfigured": "no", "not_the_key": "no", "unknown": "unclear"}

# A pasted error may start with a dash, or be left unquoted.
_ANYTHING = {"ignore_unknown_options": True}


@click.command(short_help="What a pasted error means: is it the key, and why?", context_settings=_ANYTHING)
@json_option
@click.argument("text", nargs=-1, type=click.UNPROCESSED)
def explain(as_json: bool, text: tuple[str, ...]) -> None:
    """Say what a pasted error means: whether it is the key, what is probably behind it, and what to run next.

    TEXT is the SDK's error, a traceback, a JSON body, a log line or curl's output; without it, standard input is read.
    Nothing of it is ever printed, since it may hold a key, and nothing is sent anywhere.

    \b
    Examples:
      genai-credentials explain "401 None. {'error': {'message': ...}}"
      kubectl logs deploy/app | tail -50 | genai-credentials explain

    \b
    Exit codes:
      0  it is not the key
      1  it is the key: refused, or missing
      2  it is not the key's text, but how things are set up
      3  could not tell
    """
    whole = " ".join(text) or _standard_input()
    if not whole.strip():
        raise Misconfigured("There is no text to explain.\nPaste the error as an argument, or pipe it in.")
    answer = pasted.read(whole)
    meaning = meaning_of(answer, whole)
    code = OK if meaning.verdict == "not_the_key" else EXITS[meaning.verdict]
    if as_json:
        emit(
            {
                "is_it_the_key": ANSWERS[meaning.verdict],
                "status": answer.status,
                **meaning.document(),
                "exit_code": code,
            }
        )
    else:
        _show(Printer(), meaning, answer)
    raise click.exceptions.Exit(code)


def meaning_of(answer: pasted.Pasted, text: str) -> Meaning:
    """What a pasted text means.

    Args:
        answer: What was read from it.
        text: The text, for errors that are no answer of the API's.
    """
    # A store's errors bear the API's numbers, and a connection that fails bears none.
    if not answer.certain and (other := meanings.of_text(text)):
        return other
    if answer.status and answer.is_close:
        return meanings.of_close(classify_close(answer.status, answer.message), answer.message)
    if answer.status is None:
        return UNRECOGNISED
    return meanings.of_answer(answer.status, answer.body)


def _show(printer: Printer, meaning: Meaning, answer: pasted.Pasted) -> None:
    status = f" ({answer.status})" if answer.status else ""
    pages.headline(printer, meaning, f"{LEADS[meaning.verdict]}{status}.")
    printer.say(meaning.title)
    pages.body(printer, meaning)


def _standard_input() -> str:
    if sys.stdin is None:  # closed by the shell
        return ""
    if sys.stdin.isatty():
        click.echo("Paste the error, then press Ctrl-D.", err=True)
    return sys.stdin.buffer.read().decode("utf-8", "replace")
