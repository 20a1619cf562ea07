"""What the tests of rotations share: an API, an issuer and stores on loopback, and rotations in their own processes."""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import pytest

from genai_credentials import AWSSecretsManager, File, GoogleSecretManager
from genai_credentials.provider import Writable
from genai_credentials.rotate import GoogleApiKeys, Rotate, RotationFailed
from genai_credentials.testing import AWSEmulator, FakeApiKeys, FakeGemini, SecretManagerEmulator
from genai_credentials.testing.conformance import everything_in
from genai_credentials.testing.servers import RefusedError

FIRST = "AIzaSy-made-by-hand-in-a-console-000000"
"""The text of the key that each test begins with."""

SECRET, NAME = "projects/acme/secrets/gemini", "prod/gemini"
QUICK: dict[str, Any] = {"prove_for": 0.0, "prove_timeout": 60.0}
KINDS = ("file", "google", "aws")

_SCRIPT = """
import json, sys
from genai_credentials.rotate import GoogleApiKeys, Rotate, RotationFailed
from genai_credentials.uris import parse

uri, options = sys.argv[1:]
try:
    job = Rotate(parse(uri), GoogleApiKeys("acme"), on_progress=print, **json.loads(options))
    print(json.dumps(job.run()._asdict()))
except RotationFailed as error:
    print(error)
    sys.exit(3 if error.changed else 1)
"""


def failure(job: Rotate, act: str = "run") -> RotationFailed:
    """The error of a rotation, which keeps nothing that could hold a key."""
    with pytest.raises(RotationFailed) as caught:
        getattr(job, act)()
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert FIRST not in everything_in(caught.value)
    return caught.value


def aged(stage: "Stage", key_id: str, **age: float) -> dict[str, str]:
    """The annotations of a key, as if it had been superseded so long ago."""
    notes: dict[str, str] = stage.keys.keys[key_id]["annotations"]
    return {**notes, "genai-credentials-superseded": (datetime.now(UTC) - timedelta(**age)).isoformat()}


class Stage:
    """Everything that a rotation talks to; as a context manager.

    Args:
        folder: For files.
        options: Those of `FakeApiKeys`.

    `on_effect` is called with a word for each change of a key or of a store, before it is answered; None for nobody.
    """

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder, self.path = folder, folder / "key"
        self.on_effect: Any = None
        self.api = FakeGemini()
        self.keys = FakeApiKeys(self.api, **{"polls": 0, **options})
        self.google, self.aws = _Google(self), _Aws(self)
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            for server in (self.api, self.keys, self.google, self.aws):
                opened.enter_context(server)
            self.keys.on_change = lambda method, key_id: self.effect(self._named(method, key_id))
            self.first = self.keys.add(FIRST)
            self.put_by_hand(FIRST)
            self._exits = opened.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._exits.close()

    def effect(self, name: str) -> None:
        """Tell of a change."""
        if self.on_effect is not None:
            self.on_effect(name)

    def _named(self, method: str, key_id: str) -> str:
        notes = self.keys.keys[key_id].get("annotations", {})
        if method != "patch":
            return method
        return "finish" if "genai-credentials-finished" in notes and key_id != self.first else "mark"

    def put_by_hand(self, text: str) -> None:
        """Store a key in each store, as a person does."""
        self.path.touch(mode=0o600)
        self.path.write_text(text)
        self.google.add(SECRET, text)
        self.aws.add(NAME, text)

    def store(self, kind: str) -> Writable:
        """A store, for this process."""
        if kind == "google":
            return GoogleSecretManager(SECRET, client=self.google.client)
        return AWSSecretsManager(NAME, client=self.aws.client) if kind == "aws" else File(self.path)

    def issuer(self, **options: Any) -> GoogleApiKeys:
        """The issuer, for this process."""
        return GoogleApiKeys("acme", base_url=self.keys.base_url, credentials=self.keys.credentials(), **options)

    def job(self, kind: str, **options: Any) -> Rotate:
        """A rotation in this process that loses no time."""
        return Rotate(self.store(kind), self.issuer(), base_url=self.api.base_url, **{**QUICK, **options})

    def environ(self) -> dict[str, str]:
        """What a process of its own needs to reach it all; nothing else of ours or of a cloud is in it."""
        account = self.folder / "account.json"
        if not account.exists():
            self.keys.write_credentials(account)
        return {
            **os.environ,
            "GOOGLE_APPLICATION_CREDENTIALS": str(account),
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_APIKEYS": self.keys.base_url,
            "GOOGLE_GEMINI_BASE_URL": self.api.base_url,
            "SECRET_MANAGER_EMULATOR_HOST": self.google.target,
            "AWS_ENDPOINT_URL": self.aws.endpoint_url,
            "AWS_ACCESS_KEY_ID": "emulator",
            "AWS_SECRET_ACCESS_KEY": "emulator",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def process(self, kind: str, **options: Any) -> "Process":
        """A rotation in a process of its own."""
        uri = f"{kind}:{ {'google': SECRET, 'aws': NAME, 'file': self.path}[kind] }"
        return Process([sys.executable, "-c", _SCRIPT, uri, json.dumps({**QUICK, **options})], self.environ())

    def cli(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """The command, in a process of its own."""
        line = [sys.executable, "-c", "from genai_credentials.cli import main; main()", *arguments]
        return subprocess.run(
            line,
            capture_output=True,
            text=True,
            timeout=180,
            cwd=self.folder,
            env={**self.environ(), **environ},
            check=False,
        )

    # How it stands

    def stored(self, kind: str) -> str:
        """The newest key in a store."""
        key = self.store(kind).fetch()
        return key.get_secret_value()

    def live(self) -> list[str]:
        """The ids of the keys that are not deleted."""
        return [key_id for key_id, key in self.keys.keys.items() if "deleteTime" not in key]

    def minted(self) -> list[str]:
        """The ids of the keys that were not made by hand."""
        return [key_id for key_id in self.keys.keys if key_id != self.first]

    def count(self, method: str) -> int:
        """How often a method of the API Keys API was called."""
        return self.keys.methods.count(method)


class Process:
    """A rotation under way in another process."""

    def __init__(self, line: list[str], environ: dict[str, str]) -> None:
        self._popen = subprocess.Popen(line, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.text = ""

    def kill(self) -> None:
        """End it as `kill -9` does, and wait until it is gone."""
        self._popen.send_signal(signal.SIGKILL)
        self._popen.wait(10)

    def wait(self, timeout: float = 120.0) -> int:
        """Its exit code; what it printed is in `text`."""
        self.text, _ = self._popen.communicate(timeout=timeout)
        return self._popen.returncode

    @property
    def report(self) -> dict[str, Any]:
        """The report that it printed."""
        document: dict[str, Any] = json.loads(self.text.strip().splitlines()[-1])
        return document


class KilledAt:
    """Kills a process at an effect of a stage, once.

    Args:
        stage: The stage.
        effect: The word of the effect.
    """

    def __init__(self, stage: Stage, effect: str) -> None:
        self.process: Process | None = None
        self.seen = threading.Event()
        self._effect = effect
        stage.on_effect = self._look

    def _look(self, name: str) -> None:
        if name == self._effect and not self.seen.is_set():
            self.seen.set()
            assert self.process is not None
            # Nothing of the answer gets through.
            self.process.kill()


class _Google(SecretManagerEmulator):
    def __init__(self, stage: Stage) -> None:
        super().__init__(project_number="123456789012")
        self.lose_next = False
        self._stage = stage

    def _settle(self, method: str, request: Any) -> Any:
        settled = super()._settle(method, request)
        if method == "AddSecretVersion" and not isinstance(settled, RefusedError):
            self._stage.effect("store")
            if self.lose_next:
                self.lose_next = False
                return RefusedError("UNAVAILABLE", "The answer was lost.")
        return settled


class _Aws(AWSEmulator):
    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage

    def _settle(self, action: str, params: Any) -> Any:
        settled = super()._settle(action, params)
        if settled[0] == 200 and action == "PutSecretValue":
            self._stage.effect("stage")
        if settled[0] == 200 and action == "UpdateSecretVersionStage" and "MoveToVersionId" in params:
            self._stage.effect("store")
        return settled
