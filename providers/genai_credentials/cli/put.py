"""`genai-credentials put`: store a key that was made by hand, once the API accepts it."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from genai_credentials.cli import pages
from genai_credentials.cli.chains import chain_of, key_line, kind_of, origin_name
from genai_credentials.cli.output import (
    BAD,
    BASE_URL,
    OK,
    UNCLEAR,
    Misconfigured,
    Printer,
    base_url_option,
    emit,
    in_options,
    json_option,
    know,
    plain_http_option,
    quiet,
)
from genai_credentials.cli.typed import is_asked, typed_key, typed_text
from genai_credentials.cli.waiting import waiting
from genai_credentials.errors import ConfigurationError, CredentialsError, MissingDependency, PutConflict, PutUnsure
from genai_credentials.key import ApiKey
from genai_credentials.provider import Writable, writable

if TYPE_CHECKING:
    from genai_credentials.rejection import Verdict

ELSEWHERE = frozenset(f"API_KEY_{what}_BLOCKED" for what in ("HTTP_REFERRER", "IP_ADDRESS", "ANDROID_APP", "IOS_APP"))
"""Refusals of the place that a request comes from: the API knows the key."""

PAUSES = (0.2, 0.5, 1.0, 0.0)
"""Seconds before a store is read once more that does not serve the key yet."""

HEADLINES = {
    "stored": ("Stored", "good"),
    "unchanged": ("Nothing to do, it is there already", "good"),
    "refused": ("Nothing was stored", "bad"),
    "not_proven": ("Nothing was stored, the API could not be asked", "odd"),
    "unsure": ("Look at what is there now", "odd"),
}
"""Outcome -> the first line, and how it is marked."""


class Way(NamedTuple):
    """How the API is asked about the key: the base URL (None for the SDK's own), and whether http may do."""

    base_url: str | None
    allow_plain_http: bool


class Result(NamedTuple):
    """What came of it.

    Args:
        provider: The name of the place.
        outcome: A key of `HEADLINES`.
        key: The key, with its version if it is stored; None if the text was none.
        previous: The fingerprint of the key that was served before; None without one.
        check: What the API says: "accepted"; "restricted", which is as good, since only the place that is asked from is
            refused; "refused"; "misconfigured", where another key of the same project would fare no better; "unclear";
            "not_asked".
        cause: A word for the reason; empty without one.
        error: Why it was not stored; empty if it was.
        remedy: What to do next; may be empty.
    """

    provider: str
    outcome: str = "refused"
    key: ApiKey | None = None
    previous: str | None = None
    check: str = "not_asked"
    cause: str = ""
    error: str = ""
    remedy: str = ""

    @property
    def exit_code(self) -> int:
        """The command's."""
        return {"stored": OK, "unchanged": OK, "not_proven": UNCLEAR}.get(self.outcome, BAD)

    def document(self) -> dict[str, Any]:
        """For machines."""
        return {
            "provider": self.provider,
            "outcome": self.outcome,
            "fingerprint": self.key.fingerprint if self.key else None,
            "kind": kind_of(self.key) if self.key else None,
            "notes": list(self.key.notes) if self.key else [],
            "version": self.key.version if self.key else None,
            "previous": self.previous,
            "check": self.check,
            "cause": self.cause,
            "error": self.error,
            "remedy": self.remedy,
            "exit_code": self.exit_code,
        }

    def failed(self, error: CredentialsError, outcome: str = "refused") -> Result:
        """The same, ended by an error."""
        return self._replace(outcome=outcome, error=in_options(error.message), remedy=in_options(error.remedy))


@click.command(short_help="Store a key that was made by hand, once the API accepts it.")
@json_option
@click.option("--no-check", is_flag=True, help="Store the key without asking the API about it.")
@base_url_option
@plain_http_option
@click.option("--yes", is_flag=True, help="Replace another key without asking first, on a terminal too.")
@click.argument("uri")
def put(as_json: bool, no_check: bool, base_url: str | None, allow_plain_http: bool, yes: bool, uri: str) -> None:
    """Store a key at URI: in a .env file, a file, Google Secret Manager or AWS Secrets Manager.

    The key is asked for on a terminal, and not shown there; else it is read from standard input. It is cleaned, proven
    at the API, written and read back. All else that is stored there stays as it is. The key that is there already is
    not stored again.

    \b
    Examples:
      genai-credentials put google:projects/acme/secrets/gemini-api-key
      genai-credentials put aws:prod/gemini#api_key
      pass show gemini | genai-credentials put dotenv:.env --no-check

    \b
    Exit codes:
      0  stored, or there already
      1  nothing was stored: it is no key, the API refuses it, or the store
         refuses; the error says so where that is not sure
      2  an option, the URI or the installation is wrong
      3  the API could not be asked, so nothing was stored
    """
    store = _store(uri)
    way = None if no_check else Way(base_url, allow_plain_http)
    result = _work(store, way, confirms=not yes)
    if as_json:
        emit(result.document())
    else:
        _show(result, origin_name(base_url))
    raise click.exceptions.Exit(result.exit_code)


def _store(uri: str) -> Writable:
    (provider,) = chain_of((uri,)).providers
    try:
        return writable(provider)
    except ConfigurationError as error:
        raise Misconfigured.of(error) from None


def _work(store: Writable, way: Way | None, *, confirms: bool) -> Result:
    result = Result(store.name)
    text = typed_text(store.name)
    try:
        key = typed_key(text)
    except CredentialsError as error:
        return result._replace(error=error.message, remedy=error.remedy)
    with quiet(), waiting("Asking the API about the key"):
        result = _asked(result._replace(key=key), key, way)
        if result.error:
            return result
        result = result._replace(previous=_served(store))
    if confirms and is_asked() and result.previous not in (None, key.fingerprint):
        question = f"{store.name} has the key {result.previous}. Put {key.fingerprint} in its place?"
        click.confirm(question, abort=True, err=True)
    with quiet(), waiting(f"Storing the key: {store.name}"):
        return _stored(result, store, key)


def _asked(result: Result, key: ApiKey, way: Way | None) -> Result:
    """What the API says about the key; with an error unless it takes the key."""
    if way is None:
        return result
    from genai_credentials.client import probe

    base_url = way.base_url or os.environ.get(BASE_URL) or None
    try:
        verdict = probe.ask(key, base_url=base_url, allow_plain_http=way.allow_plain_http)
    except ConfigurationError as error:
        raise Misconfigured.of(error, way.base_url) from None
    except CredentialsError as error:
        return result.failed(error, "not_proven")
    return _judged(result, verdict)


def _judged(result: Result, verdict: Verdict) -> Result:
    result = result._replace(cause=verdict.cause)
    if verdict.accepted:
        return result._replace(check="accepted")
    if verdict.cause in ELSEWHERE:
        return result._replace(check="restricted")
    if not verdict.cause:
        said = "The API's answer says nothing about the key."
        remedy = "Try again in a while; or store it unproven, with --no-check."
        return result._replace(outcome="not_proven", check="unclear", error=said, remedy=remedy)
    said = "refuses this key" if verdict.rejected else "knows this key, and does not let it in"
    check = "refused" if verdict.rejected else "misconfigured"
    return result._replace(check=check, error=f"The API {said} ({verdict.cause}).", remedy=verdict.remedy)


def _served(store: Writable) -> str | None:
    try:
        key = store.fetch()
    except CredentialsError:
        return None
    know(key)
    return key.fingerprint


def _stored(result: Result, store: Writable, key: ApiKey) -> Result:
    try:
        stored = store.put(key)
    except MissingDependency as error:
        raise Misconfigured.of(error) from None
    except CredentialsError as error:
        return result.failed(error, "unsure" if _may_be_stored(error) else "refused")
    result = result._replace(key=stored, outcome="unchanged" if result.previous == key.fingerprint else "stored")
    if _reads_back(store, stored):
        return result
    said = "The key was stored, but it is not the one that is read there."
    remedy = "Another one may have been stored at the same moment: run genai-credentials status with this URI."
    return result._replace(outcome="unsure", error=said, remedy=remedy)


def _may_be_stored(error: CredentialsError) -> bool:
    return isinstance(error, PutUnsure) or (isinstance(error, PutConflict) and error.stored is not None)


def _reads_back(store: Writable, stored: ApiKey) -> bool:
    for pause in PAUSES:
        try:
            if store.fetch() == stored:
                return True
        except CredentialsError:
            pass
        time.sleep(pause)
    return False


def _show(result: Result, host: str) -> None:
    printer = Printer()
    words, state = HEADLINES[result.outcome]
    pages.headline(printer, state, f"{words}: {result.provider}")
    if result.key is not None:
        printer.say(key_line(result.key))
    if result.check == "accepted":
        printer.say(f"The API accepts it: {host}.")
    elif result.check == "restricted":
        printer.say(f"The API knows it, but does not let it in from here ({result.cause}): {host}.")
    elif result.check == "not_asked" and not result.error:
        printer.say("The API was not asked about it.")
    if result.key is not None and result.key.notes:
        printer.say(f"It was given with {' and '.join(result.key.notes)}, which was not stored.")
    if result.outcome == "stored" and result.previous:
        printer.say(f"It took the place of the key {result.previous}.")
    if result.error:
        printer.say(result.error)
        printer.say(result.remedy, lead="-> ", lead_style="bold")
