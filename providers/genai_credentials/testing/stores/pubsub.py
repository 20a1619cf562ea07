"""A fake of Pub/Sub on loopback for subscribers over REST, with two methods: pull and acknowledge.

```python
with PubSubEmulator() as broker:
    broker.subscribe("projects/acme/subscriptions/one-process")
    broker.announce("projects/123456789012/secrets/gemini-api-key", version=2)
```
"""

from __future__ import annotations

import base64
import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from genai_credentials.testing.servers import StoreServer
from genai_credentials.testing.stores.keep_alive import Answer, KeepAliveServer, Request

__all__ = ["PubSubEmulator"]

Json = dict[str, Any]


@dataclass(slots=True)
class _Delivery:
    """A message of a subscription. The puller of the message has until `due` to acknowledge it."""

    message: Json
    ack_id: str = ""
    due: float = 0.0


class PubSubEmulator(StoreServer[str]):
    """One topic and its subscriptions. Each subscription gets every message, and one of its pullers gets it.

    A message that is not acknowledged in time is delivered again. As at Google, a pull waits for a message.

    Source: https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions/pull

    Args:
        port: The port to listen on, on 127.0.0.1; 0 takes a free one.
        ack_deadline: Seconds until a message that was pulled and not acknowledged is delivered again.
        longest_pull: Seconds that a pull waits for a message. At Google it waits for about 90 s.
    """

    _read = "pull"

    def __init__(self, *, port: int = 0, ack_deadline: float = 10.0, longest_pull: float = 5.0) -> None:
        super().__init__(port)
        self._ack_deadline, self._longest_pull = ack_deadline, longest_pull
        self._subscriptions: dict[str, list[_Delivery]] = {}
        self._numbers = itertools.count(1)
        self._server: KeepAliveServer | None = None

    @property
    def base_url(self) -> str:
        """The URL of its REST interface. It stays the same after `close`."""
        return f"http://{self._address()}/v1"

    def subscribe(self, subscription: str) -> None:
        """Add a subscription, `projects/P/subscriptions/S`. It gets the messages that are published from now on."""
        with self._changed:
            self._subscriptions.setdefault(subscription, [])

    def unacknowledged(self, subscription: str) -> int:
        """Return how many messages of a subscription are not acknowledged."""
        with self._changed:
            return len(self._subscriptions[subscription])

    def publish(self, attributes: Mapping[str, str], data: bytes = b"") -> None:
        """Publish a message."""
        with self._changed:
            message = {
                "attributes": dict(attributes),
                "data": base64.b64encode(data).decode(),
                "messageId": str(next(self._numbers)),
                "publishTime": datetime.now(UTC).isoformat(),
            }
            for waiting in self._subscriptions.values():
                waiting.append(_Delivery(message))
            self._changed.notify_all()

    def announce(self, secret: str, version: int | str | None = None, kind: str = "SECRET_VERSION_ADD") -> None:
        """Publish an event of Secret Manager.

        Args:
            secret: `projects/NUMBER/secrets/S`. Events contain the number of the project.
            version: The version of the secret; None for an event of the secret itself.
            kind: The `eventType`.
        """
        attributes = {
            "eventType": kind,
            "secretId": secret,
            "dataFormat": "JSON_API_V1",
            "timestamp": datetime.now(UTC).isoformat(),
        }
        if version is not None:
            attributes["versionId"] = f"{secret}/versions/{version}"
        self.publish(attributes)

    # -- server -----------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        self._server = KeepAliveServer(self._port, self._workers, lambda: None, self._serve)
        self._port = self._server.server_address[1]
        self._workers.submit(self._server.serve_forever, 0.02)

    def _shut(self) -> None:
        assert self._server is not None
        self._server.stop()
        self._server = None

    def _serve(self, request: Request) -> Answer | None:
        subscription, _, method = request.target.removeprefix("/v1/").partition(":")
        self._record(method, subscription, request.peer)
        with self._changed:
            waiting = self._subscriptions.get(subscription)
        if waiting is None or method not in ("pull", "acknowledge"):
            return _error(404, "NOT_FOUND", "Resource not found (resource=x).")
        if method == "acknowledge":
            return self._acknowledge(waiting, request.body.get("ackIds", []))
        most = request.body.get("maxMessages", 0)
        if not isinstance(most, int) or most < 1:
            return _error(400, "INVALID_ARGUMENT", "The value for max_messages must be greater than 0.")
        pulled = self._pull(waiting, most)
        return Answer(200, {"receivedMessages": pulled} if pulled else {}) if self._stall() else None

    def _pull(self, waiting: list[_Delivery], most: int) -> list[Json]:
        give_up = time.monotonic() + self._longest_pull
        with self._changed:
            while True:
                now = time.monotonic()
                due = [delivery for delivery in waiting if delivery.due <= now][:most]
                if due or now >= give_up or not self._running:
                    return [self._lease(delivery, now) for delivery in due]
                soonest = min([give_up, *(delivery.due for delivery in waiting)])
                self._changed.wait(soonest - now)

    def _lease(self, delivery: _Delivery, now: float) -> Json:
        delivery.due, delivery.ack_id = now + self._ack_deadline, f"ack-{next(self._numbers)}"
        return {"ackId": delivery.ack_id, "message": delivery.message}

    def _acknowledge(self, waiting: list[_Delivery], ack_ids: list[str]) -> Answer:
        with self._changed:
            waiting[:] = [delivery for delivery in waiting if delivery.ack_id not in ack_ids]
        return Answer(200, {})


def _error(code: int, status: str, message: str) -> Answer:
    return Answer(code, {"error": {"code": code, "message": message, "status": status}})
