"""The output of `rotate`: each step and the result, or one JSON document."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import click

from genai_credentials.cli import screens
from genai_credentials.cli.chains import Finding
from genai_credentials.cli.output import OK, Printer, echo, emit, scrubbed
from genai_credentials.cli.waiting import Spinner

if TYPE_CHECKING:
    from genai_credentials.rotate import KeyStatus, RotatePlan, RotateReport

_WAITING = "Proving"
_STYLES = {"serving": "bold green", "minted": "bold yellow", "superseded": "yellow", "deleted": "dim"}


class View(Protocol):
    """An object that shows a rotation."""

    def tell(self, text: str) -> None:
        """Show a step."""

    def reported(self, done: str, report: RotateReport) -> None:
        """Show the result of a run."""

    def planned(self, plan: RotatePlan) -> None:
        """Show the steps that a run would take."""

    def listed(self, keys: Sequence[KeyStatus]) -> None:
        """Show the state of each key."""

    def mind(self, found: Sequence[Finding]) -> None:
        """Show the warnings."""

    def ask(self, question: str) -> bool:
        """Ask a person, and return the answer. A spinner is removed first."""
        ...

    def failed(self, message: str, remedy: str, code: int) -> int:
        """Show why the run failed, and return the exit code."""
        ...


class JsonView:
    """Prints one JSON document at the end. Warnings go to stderr."""

    def tell(self, text: str) -> None:
        """Do nothing."""

    def reported(self, done: str, report: RotateReport) -> None:
        """See `View`."""
        emit({**report._asdict(), "exit_code": OK})

    def planned(self, plan: RotatePlan) -> None:
        """See `View`."""
        emit({**plan._asdict(), "exit_code": OK})

    def listed(self, keys: Sequence[KeyStatus]) -> None:
        """See `View`."""
        emit({"keys": [key._asdict() for key in keys], "exit_code": OK})

    def mind(self, found: Sequence[Finding]) -> None:
        """See `View`."""
        for finding in found:
            echo(scrubbed(f"{finding.what} {finding.remedy}".rstrip()), err=True)

    def ask(self, question: str) -> bool:
        """See `View`."""
        return click.confirm(question, err=True)

    def failed(self, message: str, remedy: str, code: int) -> int:
        """See `View`."""
        nothing: dict[str, Any] = {"minted": None, "fingerprint": None, "previous": None, "stored": None}
        emit({**nothing, "retired": [], "left": [], "exit_code": code, "error": message, "remedy": remedy})
        return code


class TextView:
    """Prints a line for each step. On a terminal, a spinner shows the duration of the current step."""

    def __init__(self) -> None:
        self._printer = Printer()
        self._began = time.monotonic()
        self._told = ""
        self._spinner: Spinner | None = None

    def tell(self, text: str) -> None:
        """See `View`."""
        if text == self._told:
            return
        goes_on = text.startswith(_WAITING) and self._told.startswith(_WAITING)
        self._told = text
        if self._spinner and goes_on:
            self._spinner.text = scrubbed(text)
            return
        self._settle()
        self._printer.say(text, lead=f"{time.monotonic() - self._began:>5.0f} s  ", lead_style="dim")
        if self._printer.live:
            self._spinner = Spinner(scrubbed(text), self._printer.console)
            self._spinner.start()

    def _settle(self) -> None:
        if self._spinner is not None:
            self._spinner.stop()
            self._spinner = None

    def reported(self, done: str, report: RotateReport) -> None:
        """See `View`."""
        self._settle()
        changed = report.previous is not None
        screens.headline(self._printer, "good", f"{done}." if changed else "Nothing to do.")
        version = f", version {report.stored}" if report.stored else ""
        place = f" It replaced the key {report.previous}." if changed else ""
        name = f" ({report.minted})" if report.minted else ""
        self._printer.say(f"The key {report.fingerprint}{name} serves{version}.{place}")
        for word, ids in (("Deleted now:", report.retired), ("Superseded, to be deleted by a later run:", report.left)):
            if ids:
                self._printer.say(f"{word} {', '.join(ids)}")

    def planned(self, plan: RotatePlan) -> None:
        """See `View`."""
        say = self._printer.say
        say("Nothing was changed. A run would now:", style="bold")
        for text in _steps(plan):
            say(text, lead="  - ")
        if plan.left:
            say(f"A later run deletes: {', '.join(plan.left)}")

    def listed(self, keys: Sequence[KeyStatus]) -> None:
        """See `View`."""
        for key in keys:
            lead = f"{key.state:<11} {key.fingerprint or '-':<8}  "
            self._printer.say(key.id, lead=lead, lead_style=_STYLES.get(key.state, ""))
            self._printer.say(key.next, lead=" " * len(lead))

    def mind(self, found: Sequence[Finding]) -> None:
        """See `View`."""
        self._settle()
        screens.findings(self._printer, found)

    def ask(self, question: str) -> bool:
        """See `View`."""
        self._settle()
        return click.confirm(question, err=True)

    def failed(self, message: str, remedy: str, code: int) -> int:
        """See `View`."""
        self._settle()
        printer = Printer(err=True)
        screens.headline(printer, "bad", message)
        if remedy:
            printer.say(remedy, lead="-> ", lead_style="bold")
        return code


def _steps(plan: RotatePlan) -> list[str]:
    steps = []
    if plan.mint:
        steps.append(f"{'continue with' if plan.taken_up else 'make'} the key {plan.mint}, and prove it")
        steps += [f"store it in {name}" for name in plan.store]
    else:
        steps.append(f"make no new key. {plan.reason}")
    steps += [f"mark the key {name} as superseded" for name in plan.supersede]
    return steps + [f"delete the key {name}" for name in plan.retire]
