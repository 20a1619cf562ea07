"""The WebSocket part of the fake Gemini API: Live, live music and interactions."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

from genai_credentials.testing.gemini.answers import text_of, usage_of
from genai_credentials.testing.gemini.call import Body, not_found
from genai_credentials.testing.gemini.wire import Answer, Connection, RecordedRequest

if TYPE_CHECKING:
    from websockets.server import ServerProtocol

Talk: TypeAlias = Callable[[Body], list[Body]]

_INVALID = 1007, "Request contains an invalid argument."
"""The code and the reason of the close with which the API answers an unreadable message."""

_AUDIO = base64.b64encode(b"\0\0" * 8).decode()


def is_live(request: RecordedRequest) -> bool:
    """Whether a request is a WebSocket handshake."""
    return (request.header("upgrade") or "").lower() == "websocket"


def answer(request: RecordedRequest) -> Answer:
    """Return the answer to a handshake whose key is good."""
    talk = next((talk for end, talk in TALKS.items() if request.path.endswith(end)), None)
    if talk is None:
        return not_found(request.path)
    return Answer(101, upgrade=lambda connection: _converse(connection, talk))


def refuse(code: int, reason: str) -> Answer:
    """Return an answer that accepts the handshake and closes at the first message, before the session is set up.

    Args:
        code: The close code.
        reason: The close reason, at most 123 bytes.
    """

    def hang_up(connection: Connection) -> None:
        channel = _Channel(connection)
        for _ in channel.messages():
            channel.close(code, reason)

    return Answer(101, upgrade=hang_up)


def _converse(connection: Connection, talk: Talk) -> None:
    channel = _Channel(connection)
    for message in channel.messages():
        try:
            bodies = talk(_parsed(message))
        # A message may have any value in any member.
        except (ValueError, TypeError, AttributeError, LookupError, RecursionError):
            channel.close(*_INVALID)
        else:
            for body in bodies:
                channel.send(body)


def _parsed(message: bytes) -> Body:
    body = json.loads(message)
    if not isinstance(body, dict):
        raise TypeError
    return body


class _Channel:
    """A WebSocket on a connection whose handshake has been read."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._protocol = _protocol()
        self._over = False
        self._shake_hands()

    def messages(self) -> Iterator[bytes]:
        """Yield the messages of the client until either side closes."""
        from websockets.frames import DATA_OPCODES, Frame

        parts: list[bytes] = []
        while not self._over and (data := self._connection.receive()):
            self._protocol.receive_data(data)
            for event in self._protocol.events_received():
                if not isinstance(event, Frame) or event.opcode not in DATA_OPCODES:
                    continue
                parts.append(bytes(event.data))
                if event.fin:
                    message = b"".join(parts)
                    parts.clear()
                    yield message
            self._flush()

    def _shake_hands(self) -> None:
        from websockets.http11 import Request

        self._protocol.receive_data(self._connection.head)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._protocol.send_response(self._protocol.accept(event))
        self._flush()
        # The library has answered or could not read a request that is no handshake.
        self._over = not self._open()

    def send(self, body: Body) -> None:
        """Send one message, unless the connection is closing."""
        if self._open():
            self._protocol.send_binary(json.dumps(body).encode())
            self._flush()

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake, if not yet. `messages` ends when the client has answered it."""
        if self._open():
            self._protocol.send_close(code, reason)
            self._flush()

    def _open(self) -> bool:
        return self._protocol.state.name == "OPEN"

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._connection.send(data)
            else:
                self._over = True


def _protocol() -> ServerProtocol:
    from websockets.server import ServerProtocol

    # The library would log the handshake with the key. This logger is disabled.
    silent = logging.Logger("genai_credentials.testing.gemini")  # noqa: LOG001 (no other code may find it)
    silent.disabled = True
    return ServerProtocol(logger=silent, max_size=None)


# The answers on each path: a message of the client to a list of messages


def _field(message: Body, name: str) -> Any:
    """Return a field of a message in snake case or camel case; None if there is none."""
    head, *rest = name.split("_")
    return message.get(name, message.get(head + "".join(map(str.title, rest))))


def _content(message: Body) -> list[Body]:
    if "setup" in message:
        return [{"setupComplete": {}}]
    turns = (_field(message, "client_content") or {}).get("turns") or [{}]
    prompt = text_of(turns[-1].get("parts", [])) + text_of(_field(message, "realtime_input") or "")
    text = f"pong: {prompt}"
    turn = {"modelTurn": {"role": "model", "parts": [{"text": text}]}}
    # In Live, "candidates" is called "response".
    usage = {name.replace("candidates", "response"): part for name, part in usage_of(prompt, text).items()}
    return [{"serverContent": turn}, {"serverContent": {"turnComplete": True}, "usageMetadata": usage}]


def _music(message: Body) -> list[Body]:
    if "setup" in message:
        return [{"setupComplete": {}}]
    if _field(message, "playback_control") != "PLAY":
        return []
    return [{"serverContent": {"audioChunks": [{"data": _AUDIO, "mimeType": "audio/l16;rate=48000;channels=2"}]}}]


def _interaction(message: Body) -> list[Body]:
    kind = message.get("event_type", "")
    if kind == "input":
        text = f"pong: {text_of(message.get('content', ''))}"
        return [{"event_type": "step.delta", "index": 0, "delta": {"type": "text", "text": text}}]
    answers = {"interaction.connect": "interaction.connected", "interaction.complete": "interaction.completed"}
    return [{"event_type": answers[kind]}] if kind in answers else []


TALKS: dict[str, Talk] = {
    "BidiGenerateContent": _content,
    "BidiGenerateContentConstrained": _content,
    "BidiGenerateMusic": _music,
    "/interactions/live": _interaction,
}
"""The end of a path to the function that answers its messages."""
