"""The parts that the verbs' screens have in common."""

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
"""Verdict or outcome -> style; the others are dim."""

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
"""Verdict or outcome -> the sign before it, on a terminal; the others have none."""


def headline(printer: Printer, state: str, text: str) -> None:
    """Print the first line of a screen, after its sign on a terminal.

    Args:
        printer: Where to.
        state: A verdict or an outcome.
        text: What is said.
    """
    style = COLOURS.get(state, "bold")
    sign = MARKS.get(state) if printer.live else None
    printer.say(text, lead=f"{sign} " if sign else "", lead_style=style, style=style)


def body(printer: Printer, meaning: Meaning) -> None:
    """Print the likely causes, the remedy and what to run next."""
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
    """Print a link: its state, its name, and below it what there is to say.

    Args:
        printer: Where to.
        state: One word.
        name: The link's.
        lines: What there is to say.
        remedy: What to do about it; may be empty.
        mark: One character before it, where the output is piped.
    """
    sign = MARKS.get(state, " ") if printer.live else mark
    printer.say(name, lead=f"{sign} {state.replace('_', ' '):<13} ", lead_style=COLOURS.get(state, "dim"), style="bold")
    for line in lines:
        printer.say(line, lead=" " * 16)
    if remedy:
        printer.say(remedy, lead=" " * 16 + "-> ")


def findings(printer: Printer, found: Sequence[Finding]) -> None:
    """Print what is odd."""
    if found:
        printer.say()
        printer.say("Mind:", style="bold yellow")
    for finding in found:
        printer.say(finding.what, lead="  ! ", lead_style="yellow")
        if finding.remedy:
            printer.say(finding.remedy, lead="    -> ")
