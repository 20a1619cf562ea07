"""What Sentry sends of a failed request: the key, of nearly each one of a stock client's; never, of one of ours.

`python -m pytest tests/integration/test_sentry.py -s -k measured` prints the table of docs/explanation/tracers.md.
"""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google import genai
from sdk_paths import MODEL

from genai_credentials import CredentialProvider
from genai_credentials.testing import FakeGemini
from kept_by_sentry import Report, holds, reporting

pytestmark = [
    pytest.mark.usefixtures("no_certificates", "nothing_left_open"),
    pytest.mark.filterwarnings("ignore:.*(experimental|deprecated)"),
    pytest.mark.filterwarnings("ignore:Async interactions client cannot use aiohttp"),
]

KEY = "AIzaSyS-0123456789abcdefghijklmnopqrstu"

Call = Callable[[genai.Client], object]


def in_a_loop(act: Callable[[Any], Any]) -> Call:
    async def main(client: genai.Client) -> None:
        async with client.aio as aio:
            await act(aio)

    return lambda client: asyncio.run(main(client))


async def astream(aio: Any) -> None:
    async for _ in await aio.models.generate_content_stream(model=MODEL, contents="hi"):
        pass


WAYS: dict[str, Call] = {
    "generate": lambda client: client.models.generate_content(model=MODEL, contents="hi"),
    "stream": lambda client: list(client.models.generate_content_stream(model=MODEL, contents="hi")),
    "interaction": lambda client: client.interactions.create(model=MODEL, input="hi"),
    "async generate": in_a_loop(lambda aio: aio.models.generate_content(model=MODEL, contents="hi")),
    "async stream": in_a_loop(astream),
    "async interaction": in_a_loop(lambda aio: aio.interactions.create(model=MODEL, input="hi")),
}


class Server:
    """Takes connections, and does one thing to each once its request has begun to come."""

    def __init__(self, act: Callable[[socket.socket], object]) -> None:
        self._act = act
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection:
                    connection.recv(100_000)
                    self._act(connection)

    def close(self) -> None:
        """Take no more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def half(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")


def no_http(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH\r\n\r\n")


@contextlib.contextmanager
def refusing(row: str) -> Iterator[str]:
    with FakeGemini(refusal=row) as api:
        yield api.base_url


@contextlib.contextmanager
def doing(act: Callable[[socket.socket], object]) -> Iterator[str]:
    server = Server(act)
    try:
        yield server.base_url
    finally:
        server.close()


@contextlib.contextmanager
def nobody() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    yield f"http://127.0.0.1:{port}"


FAILURES: dict[str, Callable[[], contextlib.AbstractContextManager[str]]] = {
    "400, the key is refused": lambda: refusing("API_KEY_INVALID"),
    "400, a bad request": lambda: refusing("bad_request"),
    "403": lambda: refusing("permission_denied"),
    "404": lambda: refusing("not_found"),
    "429": lambda: refusing("quota_429"),
    "500": lambda: refusing("internal_500"),
    "503": lambda: refusing("unavailable_503"),
    "nobody listens": nobody,
    "it hangs up": lambda: doing(lambda connection: None),
    "half an answer": lambda: doing(half),
    "no HTTP": lambda: doing(no_http),
    "no answer in time": lambda: doing(lambda connection: time.sleep(0.6)),
}


def stock(base_url: str) -> genai.Client:
    return genai.Client(api_key=KEY, vertexai=False, http_options=options(base_url))


def ours(base_url: str) -> genai.Client:
    return CredentialProvider(lambda: KEY).client(http_options=options(base_url))


def options(base_url: str) -> Any:
    return {"base_url": base_url, "timeout": 300, "retry_options": {"attempts": 1}}


def event_of(make: Callable[[str], genai.Client], call: Call, base_url: str, report: Report) -> dict[str, Any]:
    with make(base_url) as client:
        try:
            call(client)
        except Exception as error:
            return report(error)
    raise AssertionError("The request was served.")


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("way", WAYS)
def test_sentry_gets_no_key_of_a_failed_request_of_ours(way: str, failure: str) -> None:
    with FAILURES[failure]() as base_url, reporting(event_scrubber=None, max_value_length=100_000) as report:
        event = event_of(ours, WAYS[way], base_url, report)
        assert len(event["exception"]["values"][-1]["stacktrace"]["frames"]) > 3
        assert not holds(event, KEY[4:])


def test_sentry_gets_the_key_of_nearly_each_failed_request_of_a_stock_client_as_measured() -> None:
    leaks = {}
    for failure, failing in FAILURES.items():
        with failing() as base_url, reporting() as report:
            for way, call in WAYS.items():
                leaks[failure, way] = [holds(event_of(make, call, base_url, report), KEY[4:]) for make in (stock, ours)]
    for failure in FAILURES:
        print(f"{failure:26}", *(f"{way}: {leaks[failure, way]}" for way in WAYS))
    of_stock, of_ours = (sum(both[number] for both in leaks.values()) for number in (0, 1))
    print(f"of {len(leaks)} events each: stock {of_stock}, ours {of_ours}")
    assert of_stock > len(leaks) / 2
    assert of_ours == 0
