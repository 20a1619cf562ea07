"""`CredentialProvider`: the public class that serves keys and makes clients."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from random import Random
from typing import TYPE_CHECKING, Self, Unpack

from genai_credentials import redaction
from genai_credentials.chain import links_of
from genai_credentials.client_factory import ClientFactory
from genai_credentials.closing import ClosedByBlock
from genai_credentials.durations import check_seconds, check_window
from genai_credentials.engine import Engine
from genai_credentials.errors import ConfigurationError
from genai_credentials.events import Event, Events
from genai_credentials.flight import Steps, adrive, drive
from genai_credentials.forks import at_work
from genai_credentials.key import ApiKey, no_api_key
from genai_credentials.keystate import KeyState
from genai_credentials.known_keys import KnownKeys
from genai_credentials.pydantic_field import PydanticField
from genai_credentials.sealing import OfThisProcess, emptied, sealed_call

if TYPE_CHECKING:
    from genai_credentials.options import ProviderOptions
    from genai_credentials.provider import AnyProvider
    from genai_credentials.status import Status

_DICE = Random()  # noqa: S311 - jitter, not a secret
"""All providers share one generator: it takes 2.5 KB, and a process may have ten thousand providers."""


class CredentialProvider(ClientFactory, PydanticField, OfThisProcess, ClosedByBlock):
    """Serves an API key from the first provider that has one, and follows the rotations of that key.

    Args:
        providers: Providers, callables that return a key, or chains, in order of preference.
        ttl: Seconds that a key is served before a refresh runs in the background. A random change of up to 10 %
            spreads the refreshes of a fleet.
        max_stale: Seconds past `ttl` that a key is still served while every refresh fails.
        min_refresh_interval: If the API refused a key and a fetch found no better one: seconds until the next fetch
            for the same refusal. Also the least number of seconds between two fetches for notifications.
        fetch_timeout: Seconds that one fetch from one provider may take, retries included. The limit is one day.
        patience: Seconds from a key's first refusal in which a request may be sent again with that key. This applies
            only if servers of the API seem to disagree: in the last minute the key became current, or was accepted
            after a refusal. 0 means that no request is sent again with a refused key.
        redact_logs: Whether keys are removed from the log records of the libraries underneath.
        on_event: Called with each `Event`, one at a time, in a background thread. None means that nothing is called.
        clock: A function that returns seconds and never goes back; for tests.
        random: The source of all random delays. None means a generator that all providers share.

    Raises:
        ConfigurationError: There is no provider, an argument is no provider, or another argument is invalid.

    Examples:
        >>> credentials = CredentialProvider(lambda: "AIzaExample")
        >>> credentials.get()
        <ApiKey f6f4944b from callable:<lambda>>
        >>> credentials()
        'AIzaExample'
    """

    @sealed_call
    def __init__(
        self,
        *providers: AnyProvider,
        ttl: float = 300.0,
        max_stale: float = 86_400.0,
        min_refresh_interval: float = 5.0,
        fetch_timeout: float = 10.0,
        patience: float = 3.0,
        redact_logs: bool = True,
        on_event: Callable[[Event], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
        random: Random | None = None,
    ) -> None:
        check_seconds(ttl=ttl, fetch_timeout=fetch_timeout)
        check_seconds(lowest=0.0, max_stale=max_stale, min_refresh_interval=min_refresh_interval, patience=patience)
        known = KnownKeys(interval=min_refresh_interval, patience=patience, clock=clock)
        dice = random or _DICE
        self._keystate = KeyState(ttl=ttl, max_stale=max_stale, known=known, random=dice)
        self._clock = clock
        if redact_logs:
            redaction.require()
        else:
            redaction.decline()
        events = Events(*([on_event] if on_event else []))
        fetched = redaction.know if redact_logs else _forget
        self.engine = Engine(links_of(providers), self._keystate, fetch_timeout, clock, fetched, events)

    # The key

    def get(self) -> ApiKey:
        """Return the current key from memory.

        If the key is older than `ttl`, a refresh starts in the background. Without a key, the call waits for a fetch.

        Raises:
            NoCredentials: No provider has a key.
            CredentialsError: This object is closed, or the call comes from code inside its own fetch.
        """
        serving, clock = self._keystate.serving, self._clock
        if clock() < serving.due_at:
            return serving.key
        return drive(self.engine.get_steps())

    async def aget(self) -> ApiKey:
        """Return the current key as `get()` does, without blocking the event loop."""
        serving, clock = self._keystate.serving, self._clock
        if clock() < serving.due_at:
            return serving.key
        return await adrive(self.engine.get_steps())

    def __call__(self) -> str:
        """Return the text of the current key, for clients that take a callable as their key. Raises like `get()`."""
        read = self._keystate.serving.read
        return read() or drive(self.engine.get_steps()).get_secret_value()

    def refresh(self) -> ApiKey:
        """Fetch now, even if the current key is fresh, and return the key that serves after the fetch.

        Raises:
            NoCredentials: No provider has a key.
            CredentialsError: The provider of the current key failed; that key still serves. Or this object is closed.
        """
        return drive(self.engine.refresh_steps())

    async def arefresh(self) -> ApiKey:
        """Fetch now as `refresh()` does, without blocking the event loop."""
        return await adrive(self.engine.refresh_steps())

    def reject(self, key: ApiKey) -> ApiKey | None:
        """Report that the API refused this key, and return another key to try at once.

        If another key already serves, no fetch runs. Otherwise one fetch runs, and all threads and tasks that reject
        the same key share it. If that fetch finds no better key, the next one for this refusal runs
        `min_refresh_interval` seconds later at the earliest.

        Args:
            key: The refused key, as `get()` returned it.

        Returns:
            The other key; None if there is no better one.

        Raises:
            TypeError: `key` is no `ApiKey`.
        """
        if not isinstance(key, ApiKey):
            raise no_api_key(key := type(key))
        return drive(self._reject_steps(key))

    async def areject(self, key: ApiKey) -> ApiKey | None:
        """Report a refused key as `reject()` does, without blocking the event loop."""
        if not isinstance(key, ApiKey):
            raise no_api_key(key := type(key))
        return await adrive(self._reject_steps(key))

    def _reject_steps(self, key: ApiKey) -> Steps[ApiKey | None]:
        other = yield from self.engine.reject_steps(key, ())
        if other is None:
            self.engine.gave_up(key)
        return other

    def accept(self, key: ApiKey) -> None:
        """Report that the API accepted a request with this key; our clients do this. Raises like `reject()`."""
        if not isinstance(key, ApiKey):
            raise no_api_key(key := type(key))
        self.engine.accept(key)

    # Notifications

    def notify(self, version: object = None, *, within: float = 30.0) -> None:
        """Report that the store may have a newer key. A fetch then runs at a random moment in the next seconds.

        It runs in a background thread, and the current key serves until it ends. This method never blocks, and a
        signal handler may call it. A notification is open until a fetch succeeds that began after it. Until its fetch
        begins, another notification counts only if its window ends earlier. Two fetches for notifications are at least
        `min_refresh_interval` seconds apart.

        Args:
            version: The version that the store has now. If the current key has it, no fetch runs. None, and any value
                that is no version, means: unknown. The version never decides which version is fetched.
            within: The length of the window in seconds. The random moment spreads the fetches of a fleet.

        Raises:
            ConfigurationError: `within` is no finite number of seconds, or is below 0.
        """
        # The full check runs only for an odd value: notifications may come as a flood.
        if type(within) is not float or not 0.0 <= within < math.inf:
            try:
                check_window(within)
            except ConfigurationError as error:
                del within, version
                raise emptied(error) from None
        self.engine.notifications.notify(within, version)

    @sealed_call
    def notify_event(self, event: object, *, within: float = 30.0) -> bool:
        """Call `notify()` if an event says that the secret of a link of this chain has changed.

        Known events: those of Secret Manager through Pub/Sub (the attributes, a push body, a pulled message), and those
        of AWS Secrets Manager through EventBridge (its own and CloudTrail's). An envelope of SNS or SQS is opened.
        Somebody who can publish events can cause a fetch and nothing else.

        Sources: https://cloud.google.com/secret-manager/docs/event-notifications and
        https://docs.aws.amazon.com/secretsmanager/latest/userguide/monitoring-eventbridge.html.

        Args:
            event: A mapping, or its JSON as text or bytes.
            within: The length of the window in seconds, as for `notify()`.

        Returns:
            True if the event is about a secret of this chain. False for every other value, which is no error.

        Raises:
            ConfigurationError: `within` is no finite number of seconds, or is below 0.
        """
        with at_work():
            from genai_credentials.pushes.news import news_in
        check_window(within)
        found = news_in(event, [link.provider for link in self.engine.links])
        for news in found:
            self.engine.notifications.notify(within, news.version, news.links)
        return bool(found)

    @classmethod
    @sealed_call
    def from_uris(cls, *uris: str, **options: Unpack[ProviderOptions]) -> Self:
        """Make a provider from URIs such as `env:`, `google:projects/…`, `aws:name?region=…#field`.

        Args:
            uris: The links of the chain, in order of preference.
            options: Arguments of the constructor.

        Raises:
            ConfigurationError: There is no URI, or one is wrong; the message points at the place.
        """
        with at_work():
            from genai_credentials.uris import parse

        return cls(*(parse(uri) for uri in uris), **options)

    @classmethod
    @sealed_call
    def from_environment(cls, environ: Mapping[str, str] | None = None, **options: Unpack[ProviderOptions]) -> Self:
        """Make a provider from the variable `GENAI_CREDENTIALS`: URIs, separated by white space.

        If the variable is unset or empty, the chain is `env:`. `GENAI_CREDENTIALS_TTL`, `…_MAX_STALE`,
        `…_MIN_REFRESH_INTERVAL` and `…_FETCH_TIMEOUT` set durations in seconds.

        Args:
            environ: The variables to read, also for `env:`. None means `os.environ`.
            options: Arguments of the constructor. They outrank the variables.

        Raises:
            ConfigurationError: A URI is wrong, or a duration is no number of seconds.
        """
        with at_work():
            from genai_credentials.uris import VARIABLE, parse_all, settings

        uris, durations = settings(environ)
        return cls(*parse_all(uris, VARIABLE, environ), **{**durations, **options})  # type: ignore[arg-type]

    # State and end

    def status(self) -> Status:
        """Return the current key's origin and age and each link's last outcome, without secrets or a fetch."""
        with at_work():
            from genai_credentials.status import status_of

        return status_of(self.engine)

    def close(self) -> None:
        """Forget the key and close the clients of all providers. A second call does nothing.

        The result of a running fetch is dropped. An error of one provider is raised after all providers are closed.
        """
        with ExitStack() as closing:
            for link in reversed(self.engine.links if self.engine.close() else ()):
                if callable(close := getattr(link.provider, "close", None)):
                    closing.callback(close)

    def __repr__(self) -> str:
        return f"<CredentialProvider {', '.join(link.name for link in self.engine.links)}>"

    def _why_not_pickled(self) -> str:
        uris = [getattr(link.provider, "uri", None) for link in self.engine.links]
        again = f"from_uris({', '.join(map(repr, uris))})" if all(uris) else "from_environment()"
        return (
            "A CredentialProvider is not pickled: its key, its threads and its connections belong to this process. "
            f"Create one in the other process: CredentialProvider.{again}."
        )


def _forget(key: ApiKey) -> None:
    """Do nothing with a fetched key: logs are not redacted."""
