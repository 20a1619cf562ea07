"""`RotatingCredentials`: a key in a store, an API that accepts it, and a rotation of both on demand.

```python
with FakeGemini() as api, RotatingCredentials(api, directory) as rotating:
    service = Service(rotating.client())
    service.ask("hi")
    rotating.rotate()
    service.ask("hi")
```
"""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from genai_credentials.credentials import CredentialProvider
from genai_credentials.sources.file import File
from genai_credentials.testing.refusals import REFUSALS

if TYPE_CHECKING:
    from google import genai

    from genai_credentials.testing.gemini import FakeGemini

__all__ = ["RotatingCredentials"]


class RotatingCredentials:
    """A key that a test can rotate: in the store that holds it, and at the API that accepts it.

    The store is a file. A service in another process can read it too: `environment` contains its URI.

    Args:
        api: The API. It must be running.
        directory: The directory for the file. It must exist.
    """

    def __init__(self, api: FakeGemini, directory: str | os.PathLike[str]) -> None:
        self.api = api
        self.rotations = 0
        """How often `rotate` was called."""
        self._source = File(Path(directory) / "gemini-api-key")
        self._store(self.key)
        self.credentials = CredentialProvider(self._source)
        """A `CredentialProvider` that reads the store."""
        self._clients: list[genai.Client] = []

    @property
    def key(self) -> str:
        """The text of the key that the API accepts now."""
        return f"AIzaRotating-{self.rotations + 1}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables for a service with its own credentials and client: they name this store and this API."""
        ca_file = {"SSL_CERT_FILE": self.api.ca_file} if self.api.ca_file else {}
        return {"GENAI_CREDENTIALS": self._source.uri, "GOOGLE_GEMINI_BASE_URL": self.api.base_url, **ca_file}

    def client(self, **options: Any) -> genai.Client:
        """Return a client of `api`. `close` closes it.

        Args:
            options: The options of `CredentialProvider.client`. The `base_url` in `http_options` is set here.
        """
        theirs = dict(options.pop("http_options", None) or {})
        http_options: Any = {**theirs, "base_url": self.api.base_url}
        client = self.credentials.client(http_options=http_options, **options)
        self._clients.append(client)
        return client

    def rotate(self, refusal: str | None = None) -> None:
        """Put a new key into the store, and revoke the former key at the API.

        Args:
            refusal: The name of the row of `REFUSALS` with which the API answers the revoked key. None means the row
                that `api` uses for every unknown key.

        Raises:
            ValueError: There is no such row, or its verdict is not "rejected".
        """
        if refusal is not None and (refusal not in REFUSALS or REFUSALS[refusal].verdict != "rejected"):
            rejections = ", ".join(name for name, row in REFUSALS.items() if row.verdict == "rejected")
            raise ValueError(f"{refusal!r} is no answer to a revoked key. Pass one of these: {rejections}")
        revoked = self.key
        self.rotations += 1
        self._store(self.key)
        self.api.revoke(revoked, refusal)

    @property
    def accepted(self) -> int:
        """How many requests carried the key that the API accepts now. Their senders followed the last rotation."""
        return sum(request.key == self.key for request in self.api.requests)

    @property
    def refused(self) -> int:
        """How many requests the API has refused so far. Each of them was replayed, or its sender saw an error."""
        return self.api.refused

    def close(self) -> None:
        """Close the clients and the credentials. A second call does nothing."""
        for client in self._clients:
            client.close()
        self._clients.clear()
        self.credentials.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _store(self, key: str) -> None:
        self.api.accept(key)
        # Renamed into place: a reader sees the old file or the new one, never half of a file.
        written = self._source.path.with_suffix(".new")
        written.touch(0o600)
        written.write_text(key)
        written.replace(self._source.path)
