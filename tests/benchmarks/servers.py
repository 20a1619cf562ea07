"""The servers, in a process of their own so that their work isn't counted as the client's.

The child reads one command a line from its standard input and answers each with a line of JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parents[2]
GOOGLE_SECRET = "projects/acme/secrets/gemini"
AWS_SECRET = "prod/gemini"


class Servers:
    """Three fake Gemini APIs, and on demand both stores, in another process.

    Args:
        keys: The keys that each API lets in.
        stores: Whether to start the stores too, each with the first key.
    """

    def __init__(self, *keys: str, stores: bool = False) -> None:
        arguments = [*keys, *(["--stores"] if stores else [])]
        self._child = subprocess.Popen(
            [sys.executable, "-m", __name__, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self.where: dict[str, str] = self._read()

    def ask(self, command: str, *arguments: Any) -> Any:
        """Do something there: a method of `_Commands`."""
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps([command, *arguments]) + "\n")
        self._child.stdin.flush()
        return self._read()

    def _read(self) -> Any:
        assert self._child.stdout is not None
        if not (line := self._child.stdout.readline()):
            raise RuntimeError("The servers' process has ended; what it wrote to standard error says why.")
        return json.loads(line)

    def close(self) -> None:
        """Stop them."""
        assert self._child.stdin is not None
        self._child.stdin.close()
        self._child.wait(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class _Commands:
    def __init__(self, keys: list[str]) -> None:
        from genai_credentials.testing import FakeGemini

        self.apis = [FakeGemini(*keys) for _ in range(3)]
        for api in self.apis:
            api.start()
        self.where = dict(zip(("one", "two", "three"), (api.base_url for api in self.apis), strict=True))

    def start_stores(self, key: str) -> None:
        """Start the stores with one key in each."""
        from genai_credentials.testing import AWSAgentEmulator, AWSEmulator, SecretManagerEmulator

        self._google, self._aws, self._agent = SecretManagerEmulator(), AWSEmulator(), AWSAgentEmulator()
        for store, secret in ((self._google, GOOGLE_SECRET), (self._aws, AWS_SECRET), (self._agent, AWS_SECRET)):
            store.start()
            store.add(secret, key)
        self.where |= {"google": self._google.target, "aws": self._aws.endpoint_url}
        self.where |= {"agent_port": str(self._agent.port), "agent_token": self._agent.token}

    def rotate(self, old: str, new: str) -> None:
        """Let one key in, and another no longer."""
        for api in self.apis:
            api.accept(new)
            api.revoke(old)

    def connections(self) -> list[int]:
        """How many were made to each API so far."""
        return [api.connections for api in self.apis]


def _serve() -> None:
    keys = [argument for argument in sys.argv[1:] if argument != "--stores"]
    commands = _Commands(keys)
    if "--stores" in sys.argv:
        commands.start_stores(keys[0])
    print(json.dumps(commands.where), flush=True)
    for line in sys.stdin:
        command, *arguments = json.loads(line)
        print(json.dumps(getattr(commands, command)(*arguments)), flush=True)


if __name__ == "__main__":
    _serve()
