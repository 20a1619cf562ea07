"""The peers, each used as its README says, all reading from one kind of store in this process."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from datetime import datetime
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any, NamedTuple

from dateutil.tz import tzlocal

SECRET = "prod/gemini"


class Store:
    """A secret store in this process: it counts the calls, and each of them takes `delay` seconds.

    Args:
        value: The secret.
        delay: How long a call takes.
    """

    def __init__(self, value: str = "AIzaFirst", delay: float = 0.0) -> None:
        self.value, self.delay = value, delay
        self.calls = 0
        self.longest, self.ended = 0.0, 0.0
        self.stopped = threading.Event()
        self._lock = threading.Lock()

    def read(self) -> str:
        """The secret, after a while; at once when `stopped` is set."""
        began = time.perf_counter()
        with self._lock:
            self.calls += 1
        if self.delay:
            self.stopped.wait(self.delay)
        value = self.value
        self.ended = time.perf_counter()
        self.longest = max(self.longest, self.ended - began)
        return value


class AwsClient:
    """What the peers call of a boto3 `secretsmanager` client."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get_secret_value(self, SecretId: str, **_: Any) -> dict[str, Any]:  # noqa: N803 - boto3's own name
        """The secret, with all that boto3 answers: what is deep-copied at each read."""
        value = self._store.read()
        return {
            "ARN": f"arn:aws:secretsmanager:us-east-1:123456789012:secret:{SecretId}-AbCdEf",
            "Name": SecretId,
            "VersionId": value,
            "SecretString": value,
            "VersionStages": ["AWSCURRENT"],
            "CreatedDate": datetime.now(tzlocal()),
            "ResponseMetadata": {
                "RequestId": "5c5fb0cc-0000-4000-8000-000000000000",
                "HTTPStatusCode": 200,
                "HTTPHeaders": {"content-type": "application/x-amz-json-1.1", "content-length": "300", "date": "-"},
                "RetryAttempts": 0,
            },
        }

    def describe_secret(self, SecretId: str) -> dict[str, Any]:  # noqa: N803 - boto3's own name
        """Its versions: the store's present value is one of its own."""
        return {"Name": SecretId, "VersionIdsToStages": {self._store.read(): ["AWSCURRENT"]}}


class GoogleClient:
    """What the peers call of a `SecretManagerServiceClient`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list_secret_versions(self, request: Any) -> list[Any]:
        """One version."""
        return [SimpleNamespace(name=f"{request.parent}/versions/{self._store.read()}", create_time=1)]

    def access_secret_version(self, request: Any) -> Any:
        """Its payload."""
        return SimpleNamespace(payload=SimpleNamespace(data=self._store.read().encode()))


class Reader(NamedTuple):
    """One cache in front of a store.

    Args:
        get: The secret, from the cache if it has one.
        renew: What its README says to do when the secret that `get` returned turns out to be stale; returns another.
    """

    get: Callable[[], str]
    renew: Callable[[str], str]


class Peer(NamedTuple):
    """A way to read a secret.

    Args:
        name: What it is called in tables.
        module: What has to be installed.
        make: Builds a reader of a store, for so many seconds of a cached value's life.
        naps: Whether it sleeps for seconds before a forced refresh.
    """

    name: str
    module: str
    make: Callable[[Store, float], Reader]
    naps: bool = False

    @property
    def missing(self) -> str:
        """Why it cannot take part; "" when it can."""
        with contextlib.suppress(ImportError):
            if find_spec(self.module) is not None:
                return ""
        return f"{self.name} ({self.module} is not installed)"


def _ours(store: Store, ttl: float) -> Reader:
    from genai_credentials import ApiKey, CredentialProvider

    credentials = CredentialProvider(store.read, ttl=ttl)
    known: dict[str, ApiKey] = {}

    def get() -> str:
        key = credentials.get()
        return known.setdefault(key.get_secret_value(), key).get_secret_value()

    def renew(stale: str) -> str:
        other = credentials.reject(known[stale])
        return (other or credentials.get()).get_secret_value()

    return Reader(get, renew)


def _ttl_cache(store: Store, ttl: float) -> Reader:
    from cachetools import TTLCache, cached

    cache: TTLCache[Any, str] = TTLCache(maxsize=1, ttl=ttl)
    get = cached(cache, lock=threading.RLock())(store.read)

    def renew(_: str) -> str:
        get.cache_clear()
        return get()

    return Reader(get, renew)


def _secret_cache(store: Store, ttl: float) -> Reader:
    from aws_secretsmanager_caching import SecretCache, SecretCacheConfig

    config = SecretCacheConfig(secret_refresh_interval=max(1, round(ttl)))
    cache = SecretCache(config=config, client=AwsClient(store))

    def renew(_: str) -> str:
        cache.refresh_secret_now(SECRET)
        return cache.get_secret_string(SECRET)

    return Reader(lambda: cache.get_secret_string(SECRET), renew)


def _powertools(store: Store, ttl: float) -> Reader:
    from aws_lambda_powertools.utilities.parameters import SecretsProvider

    provider: Any = SecretsProvider(boto3_client=AwsClient(store))
    age = max(1, round(ttl))
    return Reader(
        lambda: provider.get(SECRET, max_age=age), lambda _: provider.get(SECRET, max_age=age, force_fetch=True)
    )


def _genaikeys(store: Store, ttl: float) -> Reader:
    from genaikeys import GenAIKeys, SecretManagerPlugin

    class Plugin(SecretManagerPlugin):
        def get_secret(self, secret_name: str) -> str:
            return store.read()

    keys = GenAIKeys(Plugin(), cache_duration=max(1, round(ttl)))

    def renew(_: str) -> str:
        keys.clear(SECRET)
        return keys.get(SECRET)

    return Reader(lambda: keys.get(SECRET), renew)


def _gcp_cache(store: Store, ttl: float) -> Reader:
    from gcp_secretmanager_cache import GCPCachedSecret

    class Cached(GCPCachedSecret):
        def _client(self) -> GoogleClient:
            return GoogleClient(store)

    # Its shortest life is 30 s, and its own thread renews it.
    secret = Cached("projects/acme/secrets/gemini", ttl=max(30.0, ttl))

    def renew(_: str) -> str:
        secret.invalidate_secret()
        return secret.get_secret().decode()

    return Reader(lambda: secret.get_secret().decode(), renew)


OURS = Peer("genai-credentials", "genai_credentials", _ours)
PEERS = (
    Peer("cachetools.cached + RLock", "cachetools", _ttl_cache),
    Peer("aws-secretsmanager-caching", "aws_secretsmanager_caching", _secret_cache, naps=True),
    Peer("Powertools", "aws_lambda_powertools", _powertools),
    Peer("genaikeys", "genaikeys", _genaikeys),
    Peer("gcp-secretmanager-cache", "gcp_secretmanager_cache", _gcp_cache),
)


def present() -> list[Peer]:
    """The peers that are installed."""
    return [peer for peer in PEERS if not peer.missing]


def missing() -> list[str]:
    """Why the others are not there."""
    return [peer.missing for peer in PEERS if peer.missing]
