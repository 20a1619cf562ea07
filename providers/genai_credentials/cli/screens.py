"""The parts that the screens of several verbs share."""

from __future__ import annotations

from collections.abc import Sequence

from genai_credentials.cli.causes import Meaning
from genai_credentials.cli.chains import Finding
from genai_credentials.cli.output import Printer
from genai_credentials.cli.terminal import BAD, DOUBTFUL, GOOD

COLOURS = {
    "accepted": "bold green",
    "bad": "bold red",
    "broken": "bold red",
    "good": "bold green",
    "misconfigured": "bold yellow",
    "no_key": "bold red",
    "not_the_key": "bold green",
    "odd": "bold yellow",
    "refused": "bold red",
    "rejected": "bold red",
    "serving": "bold green",
    "standby": "green",
    "unknown": "bold yellow",
}
"""Verdict or outcome -> style. All others are dim."""

MARKS = {
    "accepted": GOOD,
    "good": GOOD,
    "serving": GOOD,
    "bad": BAD,
    "broken": BAD,
    "no_key": BAD,
    "refused": BAD,
    "rejected": BAD,
    "misconfigured": DOUBTFUL,
    "odd": DOUBTFUL,
    "unknown": DOUBTFUL,
}
"""Verdict or outcome -> the sign before it, on a terminal. All others have no sign."""


def headline(printer: Printer, state: str, text: str) -> None:
    """Print the first line of a screen. On a terminal, a sign is before it.

    Args:
        printer: The printer.
        state: A verdict or an outcome.
        text: The text.
    """
    style = COLOURS.get(state, "bold")
    sign = MARKS.get(state) if printer.live else None
    printer.say(text, lead=f"{sign} " if sign else "", lead_style=style, style=style)


def body(printer: Printer, meaning: Meaning) -> None:
    """Print the likely causes, the remedy and the commands to run next."""
    if meaning.causes:
        printer.say()
        printer.say("Likely causes, the likeliest first:", style="bold")
        for number, cause in enumerate(meaning.causes, 1):
            printer.say(cause, lead=f"  {number}. ")
    if meaning.remedy:
        printer.say()
        printer.say(meaning.remedy, lead="-> ", lead_style="bold")
    if meaning.run:
        printer.say()
        printer.say("Run next:", style="bold")
        for command, tells in meaning.run:
            printer.command(command, tells)


def row(printer: Printer, state: str, name: str, lines: Sequence[str], remedy: str = "", mark: str = " ") -> None:
    """Print a link: its state, its name, and the lines about it.

    Args:
        printer: The printer.
        state: The state of the link, one word.
        name: The name of the link.
        lines: The lines below the name.
        remedy: What to do next; may be empty.
        mark: One character before the state, if the output is not a terminal.
    """
    sign = MARKS.get(state, " ") if printer.live else mark
    printer.say(name, lead=f"{sign} {state.replace('_', ' '):<13} ", lead_style=COLOURS.get(state, "dim"), style="bold")
    for line in lines:
        printer.say(line, lead=" " * 16)
    if remedy:
        printer.say(remedy, lead=" " * 16 + "-> ")


def findings(printer: Printer, found: Sequence[Finding]) -> None:
    """Print the warnings."""
    if found:
        printer.say()
        printer.say("Warnings:", style="bold yellow")
    for finding in found:
        printer.say(finding.what, lead="  ! ", lead_style="yellow")
        if finding.remedy:
            printer.say(finding.remedy, lead="    -> ")
