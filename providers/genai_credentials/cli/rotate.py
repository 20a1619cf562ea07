"""`genai-credentials rotate`: make a new key, prove it, store it, and retire the old key."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from genai_credentials.cli.chains import Finding
from genai_credentials.cli.key_input import is_asked
from genai_credentials.cli.other_places import other_places
from genai_credentials.cli.output import BAD, OK, Misconfigured, Printer, in_options, json_option, quiet
from genai_credentials.cli.rotation_view import JsonView, TextView, View
from genai_credentials.cli.unread import output_may_go_unread
from genai_credentials.cli.usage import Verb
from genai_credentials.cli.values import ACCOUNT, PROJECT, Duration, base_url_option
from genai_credentials.errors import ConfigurationError, CredentialsError

if TYPE_CHECKING:
    from genai_credentials.provider import Writable
    from genai_credentials.rotate import Rotate

PARTLY = 3
"""The exit code if a run made changes and could not finish."""

_ACTIONS = ("status", "dry_run", "rollback")


def _duration(name: str, default: str, help_text: str) -> Callable[[Any], Any]:
    shown = f"{help_text} [default: {default}]"
    return click.option(name, type=Duration(), metavar="DURATION", default=default, help=shown)


@click.command(cls=Verb, short_help="Make a new key, prove it, store it, and retire the old key.")
@json_option
@click.option(
    "--project", type=PROJECT, metavar="ID", help="The Google Cloud project of the keys. [default: from a google: URI]"
)
@_duration("--retire-after", "1d", "How long the old key stays valid. 0 deletes it as soon as the new key is stored.")
@click.option("--status", is_flag=True, help="Only list the keys of the secret, each with its next step.")
@click.option("--dry-run", is_flag=True, help="Only print the steps of a run. Nothing is changed.")
@click.option("--rollback", is_flag=True, help="Store the key before this one again. A deleted key is restored first.")
@_duration("--prove-for", "10s", "How long the API must accept the new key, each time on a new connection.")
@_duration("--prove-timeout", "10m", "Delete the new key if the API does not accept it within this time.")
@_duration("--if-older-than", "0s", "Do nothing if the key is younger, so that cron can run the command often.")
@base_url_option
@click.option(
    "--service-account",
    type=ACCOUNT,
    metavar="EMAIL",
    help="The service account of the new key. [default: that of the old key]",
)
@click.option("--also", metavar="URI", multiple=True, help="A further place of the same key. Repeat it for each place.")
@click.option("--yes", is_flag=True, help="Delete keys without a question, also on a terminal.")
@click.argument("uri")
@output_may_go_unread()
def rotate(as_json: bool, uri: str, **options: Any) -> None:
    """Make a new key, prove it, store it at URI, and retire the old key.

    The old key stays valid for --retire-after, so that each application can fetch the new key first. The next run
    after that time deletes the old key. No run waits for that time. Between two runs, both keys are valid.

    Nothing is stored on this machine. If a run was interrupted, run the same command again, here or on another
    machine. It continues.

    A DURATION is a number of seconds, or a number with s, m, h or d: 90d.

    \b
    Examples:
      genai-credentials rotate google:projects/acme/secrets/gemini-api-key
      genai-credentials rotate aws:prod/gemini#api_key --project acme
      genai-credentials rotate file:key --project acme --if-older-than 60d
    If a key has leaked, delete it as soon as the new key is stored:
      genai-credentials rotate aws:prod/gemini --project acme --retire-after 0

    \b
    Exit codes:
      0    the run is done, or there was nothing to do
      1    nothing was changed; the error says why
      2    a URI, an option or the installation is wrong
      3    partly done, or interrupted: run the same command again
      130  Ctrl-C at the question: nothing was changed
    """
    actions = [name for name in _ACTIONS if options[name]]
    if len(actions) > 1:
        flags = " and ".join(f"--{name.replace('_', '-')}" for name in actions)
        raise Misconfigured(f"{flags} exclude each other.\nGive one of them.")
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
        code = view.failed("Interrupted.", "Run the same command again: it continues.", PARTLY)
    raise click.exceptions.Exit(code)


def _job(uri: str, tell: Callable[[str], None], options: dict[str, Any]) -> tuple[Rotate, list[Writable]]:
    """The rotation, and the stores that it writes to."""
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
        view.mind(other_places(stores))
        if asks and is_asked() and not _agreed(job, view):
            return BAD
        view.reported("Rotated", job.run())
    return OK


def _agreed(job: Rotate, view: View) -> bool:
    """Whether a person agrees that the run deletes keys."""
    plan = job.plan()
    if not plan.retire:
        return True
    printer = Printer(err=True)
    printer.say("After the new key is proven and stored, this run deletes:", style="bold")
    for key_id in plan.retire:
        printer.say(key_id, lead="  - ")
    if view.ask("Go on?"):
        return True
    view.failed("Nothing was changed.", "To keep a superseded key for a day, leave --retire-after out.", BAD)
    return False


@contextmanager
def _stoppable(tell: Callable[[str], None]) -> Iterator[Callable[[str], None]]:
    """End the run at SIGTERM as at Ctrl-C. Yields a `tell` that raises KeyboardInterrupt after such a signal.

    Python drops the exception of a signal handler if a finalizer or a callback runs at that moment. The next call of
    `tell` raises the exception again.
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
