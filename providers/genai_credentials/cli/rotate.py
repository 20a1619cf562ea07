"""`genai-credentials rotate`: a new key is made, proven, stored, and the one before retired."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from genai_credentials.cli.chains import Finding
from genai_credentials.cli.output import BAD, OK, Misconfigured, Printer, in_options, json_option, quiet
from genai_credentials.cli.rotation_view import JsonView, TextView, View, is_asked
from genai_credentials.cli.twins import twins
from genai_credentials.errors import ConfigurationError, CredentialsError

if TYPE_CHECKING:
    from genai_credentials.provider import Writable
    from genai_credentials.rotate import Rotate

PARTLY = 3
"""The exit code where something was changed, and not all is done."""

_ACTIONS = ("status", "dry_run", "rollback")


def _seconds(context: click.Context, option: click.Parameter, text: str) -> float:
    from genai_credentials.rotate.settings import duration

    try:
        return duration(text, option.opts[0])
    except CredentialsError as error:
        problem = str(error)
    raise click.BadParameter(problem, context, option)


def _duration(name: str, default: str, help_text: str) -> Callable[[Any], Any]:
    return click.option(name, callback=_seconds, metavar="DURATION", default=default, show_default=True, help=help_text)


@click.command(short_help="Make a new key, prove it, store it, and retire the one before.")
@json_option
@click.option("--project", metavar="ID", help="The project that the keys belong to. [default: that of a google: URI]")
@_duration("--retire-after", "1d", "How long a superseded key lives on; 0 deletes it once its successor is stored.")
@click.option("--status", is_flag=True, help="Only list the keys of the secret, and what is to come.")
@click.option("--dry-run", is_flag=True, help="Only say what a run would do now.")
@click.option("--rollback", is_flag=True, help="Let the predecessor serve again; it is restored if it was deleted.")
@_duration("--prove-for", "10", "How long the new key must be accepted, each time on a fresh connection.")
@_duration("--prove-timeout", "10m", "When a new key that is not accepted is given up, and deleted.")
@_duration("--if-older-than", "0", "Leave a younger key alone; so cron can run this as often as it likes.")
@click.option("--base-url", metavar="URL", help="Prove the key there: a gateway. Else GOOGLE_GEMINI_BASE_URL.")
@click.option("--service-account", metavar="EMAIL", help="Bind new keys to it. [default: the old key's]")
@click.option("--also", metavar="URI", multiple=True, help="A further place that holds the same key; once for each.")
@click.option("--yes", is_flag=True, help="Delete without asking first, on a terminal too.")
@click.argument("uri")
@click.pass_context
def rotate(context: click.Context, /, as_json: bool, uri: str, **options: Any) -> None:
    """Make a new key, prove it live, store it at URI, and retire the one before.

    Nothing is kept on this machine: what was done shows in the keys and in the store. A run that was interrupted is
    run again, here or elsewhere, and goes on. A key that has a successor lives on for a while, and the first run after
    that deletes it; so two keys are live between two runs, and no run waits for it.

    A DURATION is a number of seconds, or one with s, m, h or d: 90d.

    \b
    Examples:
      genai-credentials rotate google:projects/acme/secrets/gemini-api-key
      genai-credentials rotate aws:prod/gemini#api_key --project acme
      genai-credentials rotate file:key --project acme --if-older-than 60d
    A leaked key, deleted as soon as its successor is stored:
      genai-credentials rotate aws:prod/gemini --project acme --retire-after 0

    \b
    Exit codes:
      0    done, or nothing to do
      1    nothing was changed: the error says why
      2    an option, a URI or the installation is wrong
      3    partly done, or interrupted: run the same again
      130  Ctrl-C at the question: nothing was changed
    """
    actions = [name for name in _ACTIONS if options[name]]
    if len(actions) > 1:
        flags = " and ".join(f"--{name.replace('_', '-')}" for name in actions)
        raise click.UsageError(f"{flags} do not go together. Name one of them.", context)
    view = JsonView() if as_json else TextView()
    try:
        with _stoppable(view.tell) as tell, quiet() as warned:
            job, stores = _job(uri, tell, options)
            code = _act(job, stores, view, actions, asks=not options["yes"])
        view.mind([Finding(text, "") for text in warned])
    except ConfigurationError as error:
        raise Misconfigured.of(error, options["base_url"]) from None
    except CredentialsError as error:
        code = view.failed(
            in_options(error.message), in_options(error.remedy), PARTLY if getattr(error, "changed", False) else BAD
        )
    except KeyboardInterrupt:
        code = view.failed("Interrupted.", "Run the same again: it goes on from there.", PARTLY)
    raise click.exceptions.Exit(code)


def _job(uri: str, tell: Callable[[str], None], options: dict[str, Any]) -> tuple[Rotate, list[Writable]]:
    """The rotation, and the places it is for."""
    from genai_credentials.provider import writable
    from genai_credentials.rotate import GoogleApiKeys, Rotate
    from genai_credentials.uris import parse

    stores = [writable(parse(text)) for text in (uri, *options["also"])]
    project = options["project"] or _project_of(stores[0])
    job = Rotate(
        stores[0],
        GoogleApiKeys(project, service_account=options["service_account"]),
        also=stores[1:],
        retire_after=options["retire_after"],
        prove_for=options["prove_for"],
        prove_timeout=options["prove_timeout"],
        min_age=options["if_older_than"],
        base_url=options["base_url"],
        on_progress=tell,
    )
    return job, stores


def _project_of(store: Writable) -> str:
    found = re.match(r"projects/([^/]+)/", getattr(store, "secret", ""))
    if found is None:
        raise ConfigurationError(
            "--project is missing.", remedy="Name the project that the API keys belong to: --project acme"
        )
    return found[1]


def _act(job: Rotate, stores: Sequence[Writable], view: View, actions: Sequence[str], *, asks: bool) -> int:
    if "status" in actions:
        view.listed(job.status())
    elif "dry_run" in actions:
        view.planned(job.plan())
    elif "rollback" in actions:
        view.reported("Rolled back", job.rollback())
    else:
        view.mind(twins(stores))
        if asks and is_asked() and not _agreed(job, view):
            return BAD
        view.reported("Rotated", job.run())
    return OK


def _agreed(job: Rotate, view: View) -> bool:
    """Whether a person agrees with what the run would delete."""
    plan = job.plan()
    if not plan.retire:
        return True
    printer = Printer(err=True)
    printer.say("This run will delete, once the new key is stored and proven:", style="bold")
    for key_id in plan.retire:
        printer.say(key_id, lead="  - ")
    if view.ask("Go on?"):
        return True
    view.failed("Nothing was changed.", "Without --retire-after 0, a superseded key lives on for a day.", BAD)
    return False


@contextmanager
def _stoppable(tell: Callable[[str], None]) -> Iterator[Callable[[str], None]]:
    """Let a scheduler's signal end the run as Ctrl-C does; yields a `tell` that raises once a signal has come.

    An exception of a signal's handler is lost where a finalizer or a callback runs at that moment, so it is raised at
    the next step once more.
    """
    stopped: list[int] = []

    def stop(number: int, _: object) -> None:
        stopped.append(number)
        raise KeyboardInterrupt

    def tell_unless_stopped(text: str) -> None:
        if stopped:
            raise KeyboardInterrupt
        tell(text)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield tell_unless_stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
