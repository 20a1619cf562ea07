"""`genai-credentials demo`: keys rotate in four stores on loopback, while one client sends requests."""

from __future__ import annotations

import importlib
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import click

from genai_credentials.cli.output import Misconfigured, echo
from genai_credentials.cli.usage import Verb
from genai_credentials.cli.values import Seconds

if TYPE_CHECKING:
    from genai_credentials.cli.demo.load import Load
    from genai_credentials.cli.demo.stage import Stage, Step
    from genai_credentials.cli.demo.view import Rotation, Snapshot, StoreRow, View
    from genai_credentials.credentials import CredentialProvider

PICKED_UP_WITHIN = 5.0
"""Seconds from a rotation within which a request must succeed with the new key. It takes some milliseconds."""

_NEEDS = (
    "google.genai",
    "google.cloud.secretmanager_v1",
    "google_crc32c",
    "boto3",
    "moto.moto_server.werkzeug_app",
)


@click.command(cls=Verb, short_help="Show ten rotations on this machine. No account is needed.")
@click.option("--json", "as_json", is_flag=True, help="Print the JSON document described above, and nothing else.")
@click.option(
    "--seconds",
    type=Seconds(1.0, 600.0),
    default=4.0,
    metavar="SECONDS",
    help="Seconds for which requests are sent, from 1 to 600. The start takes about 4 more. [default: 4]",
)
@click.option("--verbose", is_flag=True, help="Print the log of the library on stderr.")
def demo(as_json: bool, seconds: float, verbose: bool) -> None:
    """Show ten rotations on this machine, while one client sends requests. No account and no network is needed.

    A fake Gemini API, a Google Secret Manager and an AWS Secrets Manager run on loopback. One stock genai.Client sends
    requests from threads, from asyncio and as streams. Its key is rotated ten times: in the environment, in a file and
    in both stores. Each old key is revoked at the moment of its rotation. The last rotation is the one of `rotate`: a
    key is made, proven and stored, and the old key is deleted. Some servers still accept the old key for a while.

    \b
    With --json, the document has:
      sent        the number of requests that were sent, with the failed ones
      failed      the number of requests that raised an error
      fetches     the number of fetches
      rotations   a list, in order, of objects with
        store         the store that serves from then on: env, file, google or
                      aws
        action        "rotated": this store received a new key;
                      "fell_through": the store above lost its only key;
                      "minted": rotate made a key for this store
        fingerprint   the fingerprint of the new key
        version       the version of the new key; null if the store has none
        picked_up_ms  milliseconds from the revocation of the old key to the
                      first success with the new key; null if there was none
      seconds     the number of seconds in which requests were sent

    \b
    Examples:
      genai-credentials demo --seconds 10

    \b
    Exit codes:
      0  no request failed, and each new key was picked up
      1  a request failed, or a new key was not picked up
      2  a package is missing, or an option is wrong
    """
    from genai_credentials.cli.demo.stage import alone
    from genai_credentials.cli.demo.view import view_for

    with alone(), _logging(verbose=verbose):
        last = _run(view_for(as_json=as_json, verbose=verbose), seconds)
    if not last.flawless:
        raise click.exceptions.Exit(1)


def _load_packages() -> None:
    try:
        for module in _NEEDS:
            importlib.import_module(module)
    except ImportError as error:
        problem = f"The demo needs the package {error.name}, which is not installed."
        raise Misconfigured(f"{problem}\nRun: pip install 'genai-credentials[all,demo]'") from error


@contextmanager
def _logging(*, verbose: bool) -> Iterator[None]:
    """Keep all log records off the screen. If `verbose` is true, the records of this library are printed."""
    root, library = logging.getLogger(), logging.getLogger("genai_credentials")
    silence, show, level = logging.NullHandler(), _Stderr(), library.level
    root.addHandler(silence)
    if verbose:
        library.addHandler(show)
        library.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(silence)
        library.removeHandler(show)
        library.setLevel(level)


class _Stderr(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        echo(f"{record.levelname}: {record.getMessage()}", err=True)


def _run(view: View, seconds: float) -> Snapshot:
    with ExitStack() as exits:
        with view.starting():
            show = _set_up(exits)
        with view.live(show.snapshot), show.load:
            show.run(view.rotated, seconds)
        last = show.snapshot()
    view.ended(last)
    for problem, times in show.load.problems.items():
        echo(f"{times} x {problem}", err=True)
    return last


def _set_up(exits: ExitStack) -> Show:
    """Start everything that the show needs. `exits` closes it."""
    _load_packages()
    from genai_credentials.cli.demo.load import Load
    from genai_credentials.cli.demo.stage import Stage
    from genai_credentials.credentials import CredentialProvider

    stage = exits.enter_context(Stage())
    chain = stage.chain()
    credentials = exits.enter_context(CredentialProvider(*chain.values()))
    client = credentials.client(http_options={"base_url": stage.api.base_url, "timeout": 5_000})
    exits.callback(client.close)
    load = Load(client)
    stage.api.on_request = load.saw
    return Show(stage, credentials, load, [provider.name for provider in chain.values()])


class Show:
    """The running play. It makes each rotation, and waits until a request has succeeded with the new key.

    Args:
        stage: The API and the stores.
        credentials: The chain of the client.
        load: The requests.
        names: The names of the providers in the status, in the order of the chain.
    """

    def __init__(self, stage: Stage, credentials: CredentialProvider, load: Load, names: list[str]) -> None:
        self.load = load
        self._stage, self._credentials = stage, credentials
        self._names = names
        self._rotations: list[tuple[Rotation, str]] = []
        self._began = time.monotonic()
        self._ended: float | None = None
        self._complete = False

    def run(self, tell: Callable[[Rotation, str, float], None], seconds: float) -> None:
        """Make all rotations, evenly over so many seconds. Stop at the first new key that is not picked up."""
        from genai_credentials.cli.demo.stage import PLAY

        self._began = time.monotonic()
        served = self.load.first_with(self._stage.key("env"), PICKED_UP_WITHIN) is not None
        for number, step in enumerate(PLAY if served else (), 1):
            self._rest_until(number * seconds / (len(PLAY) + 1))
            rotation = self._rotate(step)
            self._rotations.append((rotation, step.text))
            tell(rotation, step.text, self._elapsed())
            if rotation.picked_up_ms is None:
                break
        else:
            self._rest_until(seconds if served else 0.0)
            self._complete = served
        self._ended = self._elapsed()

    def snapshot(self) -> Snapshot:
        """The state at this moment."""
        from genai_credentials.cli.demo.view import Snapshot

        rotations, happened = zip(*self._rotations, strict=True) if self._rotations else ((), ())
        counters = self._credentials.status().counters
        return Snapshot(
            stores=self._rows(),
            succeeded=self.load.succeeded,
            failed=sum(self.load.problems.values()),
            fetches=counters["fetches"],
            replays=counters["replays"],
            rotations=rotations,
            happened=happened,
            seconds=self._elapsed() if self._ended is None else self._ended,
            complete=self._complete,
        )

    def _rotate(self, step: Step) -> Rotation:
        from genai_credentials.cli.demo.view import Rotation

        revoked_at = self._stage.play(step)
        picked_up_at = self.load.first_with(self._stage.key(step.store), PICKED_UP_WITHIN)
        took = None if picked_up_at is None else round((picked_up_at - revoked_at) * 1000, 1)
        version = self._credentials.status().version if took is not None else None
        # A request is sent at most three times. On a slow machine, one request could last for three rotations.
        self.load.settle(PICKED_UP_WITHIN)
        return Rotation(step.store, step.action, self._stage.fingerprint(step.store), version, took)

    def _rows(self) -> tuple[StoreRow, ...]:
        from genai_credentials.cli.demo.stage import STORES
        from genai_credentials.cli.demo.view import StoreRow

        status = self._credentials.status()
        rows = []
        for (store, label), name, link in zip(STORES.items(), self._names, status.links, strict=True):
            serves = status.provider == name
            fingerprint = status.fingerprint if serves else self._stage.fingerprint(store)
            rows.append(StoreRow(label, link.outcome, fingerprint or "", status.version if serves else None, serves))
        return tuple(rows)

    def _elapsed(self) -> float:
        return time.monotonic() - self._began

    def _rest_until(self, moment: float) -> None:
        # This sleep only sets the pace of the show.
        time.sleep(max(0.0, moment - self._elapsed()))
