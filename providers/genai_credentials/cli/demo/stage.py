"""The stage of the demo: an API and four stores on loopback, and the list of rotations."""

from __future__ import annotations

import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self

from genai_credentials.key import ApiKey
from genai_credentials.rotate import GoogleApiKeys, Rotate
from genai_credentials.sources.aws import AWSSecretsManager
from genai_credentials.sources.env import Env
from genai_credentials.sources.file import File
from genai_credentials.sources.google import GoogleSecretManager
from genai_credentials.testing import FakeApiKeys, FakeGemini, MotoServer, SecretManagerEmulator

Store = Literal["env", "file", "google", "aws"]

STORES: dict[Store, str] = {
    "env": "Environment",
    "file": "File",
    "google": "Google Secret Manager",
    "aws": "AWS Secrets Manager",
}
"""The stores in the order of the chain, each with its name for people."""


class Step(NamedTuple):
    """One rotation of the play.

    Args:
        store: The store that serves after the rotation.
        action: "rotated": this store received a new key. "fell_through": the store above has lost its only key.
            "minted": `rotate` made a key, proved it, stored it in this store, and deleted the old key.
        text: The rotation, described for people.
    """

    store: Store
    action: Literal["rotated", "fell_through", "minted"]
    text: str


PLAY = (
    Step("file", "fell_through", "Environment: revoked, so the file serves"),
    Step("file", "rotated", "File: rewritten"),
    Step("file", "rotated", "File: rewritten"),
    Step("google", "fell_through", "File: removed, so Google serves"),
    Step("google", "rotated", "Google: version 2 added"),
    Step("google", "rotated", "Google: version 3 added"),
    Step("aws", "fell_through", "Google: revoked for good, so AWS serves"),
    Step("aws", "rotated", "AWS: new value put"),
    Step("aws", "rotated", "AWS: new value put"),
    Step("aws", "minted", "AWS: rotate makes a key, deletes the old"),
)
"""The rotations. At the start the environment serves, and each store has its turn. The last rotation is by `rotate`."""

LIVE_AFTER, FLAPS_FOR, PROVE_FOR = 0.2, 0.5, 0.3
"""Seconds until a new key is live; seconds in which a deleted key is sometimes accepted; seconds to prove a key."""

_SECRET = "projects/demo/secrets/gemini-api-key"  # noqa: S105 - a name
_NAME = "demo/gemini"
_FOREIGN = ("GOOGLE_", "GEMINI_", "GENAI_", "AWS_", "CLOUDSDK_", "BOTO_", "MOTO_", "SSL_CERT_")
_NO_AWS = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


@contextmanager
def alone() -> Iterator[None]:
    """Hide the cloud settings, credentials, base URLs and proxies of the user while the with statement lasts."""
    hidden = {
        name: value
        for name, value in os.environ.items()
        if name.upper().startswith(_FOREIGN) or name.upper().endswith("_PROXY")
    }
    # A NO_PROXY also keeps the system's own proxy settings out, on macOS and Windows.
    ours = {**_NO_AWS, "NO_PROXY": "*"}
    for name in hidden:
        del os.environ[name]
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)
        os.environ.update(hidden)


class Stage:
    """The API and the stores, as a context manager. At the start, each store holds a live key."""

    def __init__(self) -> None:
        self.api = FakeGemini()
        self.serving: Store = "env"
        self._issuer = FakeApiKeys(self.api, live_after=LIVE_AFTER, flaps_for=FLAPS_FOR, polls=0)
        self._keys: dict[Store, str] = {}
        self._environ: dict[str, str] = {}
        self._google, self._aws = SecretManagerEmulator(), MotoServer()
        self._writer: Any = None
        self._path = Path()
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            for server in (self.api, self._issuer, self._google, self._aws):
                opened.enter_context(server)
            folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="genai-credentials-"))
            self._path = Path(folder, "gemini-api-key")
            self._writer = self._aws.client()
            opened.callback(self._writer.close)
            self._writer.create_secret(Name=_NAME)
            for store in STORES:
                self.put(store)
            self._exits = opened.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._exits.close()

    def chain(self) -> dict[Store, Any]:
        """The providers of the chain, in order."""
        return {
            "env": Env(environ=self._environ),
            "file": File(self._path),
            "google": GoogleSecretManager(_SECRET, client=self._google.client),
            "aws": AWSSecretsManager(_NAME, client=lambda: self._aws.client()),
        }

    def key(self, store: Store) -> str:
        """The newest key of a store."""
        return self._keys[store]

    def fingerprint(self, store: Store) -> str:
        """The fingerprint of the newest key of a store."""
        return ApiKey(self._keys[store], provider=store).fingerprint

    def put(self, store: Store) -> None:
        """Store a new key. The API accepts it from now on."""
        key = self._keys[store] = f"AIza{secrets.token_urlsafe(26)}"
        self.api.accept(key)
        if store == "env":
            self._environ["GEMINI_API_KEY"] = key
        elif store == "file":
            self._write(key)
        elif store == "google":
            self._google.add(_SECRET, key)
        else:
            self._writer.put_secret_value(SecretId=_NAME, SecretString=key)

    def play(self, step: Step) -> float:
        """Make one rotation. Return the moment at which the API revoked the old key, on the monotonic clock."""
        old = self._keys[self.serving]
        if step.action == "minted":
            return self._mint(step.store)
        if step.action == "rotated":
            self.put(step.store)
        elif self.serving == "file":
            self._path.unlink()
        self.serving = step.store
        moment = time.monotonic()
        self.api.revoke(old)
        return moment

    def _mint(self, store: Store) -> float:
        """Make a rotation with `Rotate`. Return the moment at which the old key was deleted."""
        deleted: list[float] = []
        self._issuer.add(self._keys[store])
        self._issuer.on_change = lambda method, _: deleted.append(time.monotonic()) if method == "delete" else None
        issuer = GoogleApiKeys(
            self._issuer.project, base_url=self._issuer.base_url, credentials=self._issuer.credentials()
        )
        job = Rotate(
            self.chain()[store],
            issuer,
            retire_after=0.0,
            prove_for=PROVE_FOR,
            prove_timeout=20.0,
            base_url=self.api.base_url,
        )
        self._keys[store] = self._issuer.text(str(job.run().minted))
        return deleted[0]

    def _write(self, key: str) -> None:
        new = self._path.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(key, encoding="utf-8")
        # The file is replaced as a whole, because a fetch must not read half of a key.
        new.replace(self._path)
