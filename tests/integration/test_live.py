"""The WebSockets through a rotation: live, live music, and the interactions' own."""

import asyncio
import inspect
import threading
from pathlib import Path

import google.genai
import pytest
from google import genai
from google.genai import errors, live_music, types
from google.genai.live import AsyncLive
from google.genai.live_music import AsyncLiveMusic
from sdk_paths import INTERACTIONS, LIVE, MUSIC
from websockets.asyncio.client import ClientConnection, connect
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Response
from websockets.uri import parse_uri

from genai_credentials import ConfigurationError
from genai_credentials.client.sockets import Live, Music
from genai_credentials.testing import FakeGemini
from genai_credentials.testing.refusals import CLOSES, REFUSALS

pytestmark = pytest.mark.filterwarnings("ignore:.*(experimental|deprecated)")

try:
    from google.genai.interactions import APIWebSocketError
except ImportError:
    APIWebSocketError = None

needs_interactions = pytest.mark.skipif(APIWebSocketError is None, reason="this google-genai has no such socket")
needs_music = pytest.mark.skipif(
    "?key=" in inspect.getsource(live_music), reason="this google-genai writes the key of live music into its URL"
)


def sockets(*chosen):
    """The test for each of these sockets that this google-genai has."""
    marks = {MUSIC: needs_music, INTERACTIONS: needs_interactions}
    rows = [pytest.param(socket, marks=marks.get(socket, ()), id=socket.method) for socket in chosen]
    return pytest.mark.parametrize("socket", rows)


@pytest.fixture
def api(monkeypatch):
    with FakeGemini(tls=True) as server:
        monkeypatch.setenv("SSL_CERT_FILE", server.ca_file)
        yield server


@pytest.fixture
def other(api, monkeypatch, tmp_path):
    """Another origin, trusted as well."""
    with FakeGemini(tls=True) as server:
        bundle = tmp_path / "both.pem"
        bundle.write_text(Path(api.ca_file).read_text() + Path(server.ca_file).read_text())
        monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
        yield server


def on_a_loop(client, *steps):
    """Run the steps, which take `aio`, one after another on one event loop; what each returned."""

    async def main():
        async with client.aio as aio:
            return [await step(aio) for step in steps]

    return asyncio.run(main())


def failure(client, socket):
    """What a user sees of the error that opening this socket ends in."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one is what the caller compares
        on_a_loop(client, socket.talk)
    error = caught.value
    body = getattr(getattr(error, "response", None), "body", None)
    return type(error), str(error), getattr(error, "http_status", None), getattr(error, "close_code", None), body


def stock_failure(api, socket, key="key-1"):
    with genai.Client(api_key=key, http_options={"base_url": api.base_url}) as stock:
        return failure(stock, socket)


def handshakes(api):
    return [(request.key, request.status) for request in api.requests if request.header("upgrade")]


# A rotation


@sockets(LIVE, MUSIC, INTERACTIONS)
def test_a_new_connection_carries_the_current_key(socket, client, credentials, keys, api):
    async def rotate(aio):
        keys.rotate()
        await credentials.arefresh()

    assert on_a_loop(client, socket.talk, rotate, socket.talk) == [socket.expected, None, socket.expected]
    assert handshakes(api) == [("key-1", 101), ("key-2", 101)]


@sockets(LIVE, MUSIC, INTERACTIONS)
@pytest.mark.parametrize("refusal", ["API_KEY_INVALID", "ACCESS_TOKEN_TYPE_UNSUPPORTED", "leaked", "rix_api_error"])
def test_a_refused_handshake_is_repeated_with_the_next_key(socket, refusal, client, keys, api):
    api.refuse_with(refusal)

    async def rotate(aio):
        keys.rotate()

    assert on_a_loop(client, socket.talk, rotate, socket.talk)[2] == socket.expected
    assert handshakes(api) == [("key-1", 101), ("key-1", REFUSALS[refusal].status), ("key-2", 101)]
    assert keys.fetches == 2


@sockets(LIVE, MUSIC, INTERACTIONS)
def test_an_established_session_is_left_alone(socket, client, keys, api):
    async def over_a_rotation(aio):
        async with socket.open(aio) as session:
            before = await socket.turn(session)
            keys.rotate()
            return before, await socket.turn(session)

    assert on_a_loop(client, over_a_rotation) == [(socket.expected, socket.expected)]
    assert len(api.requests) == keys.fetches == 1


@sockets(LIVE, MUSIC)
@pytest.mark.parametrize("close", CLOSES.values(), ids=lambda close: close.name)
def test_a_close_before_the_session_is_set_up_is_judged_by_its_message(socket, close, client, keys, api):
    api.refuse_live_with(close.code, close.reason)
    on_a_loop(client, socket.talk)
    keys.rotate()
    if close.verdict == "rejected":
        assert on_a_loop(client, socket.talk) == [socket.expected]
        assert handshakes(api)[1:] == [("key-1", 101), ("key-2", 101)]
    else:
        assert failure(client, socket) == stock_failure(api, socket)
        assert keys.fetches == 1


@needs_interactions
def test_a_close_of_the_interactions_socket_comes_after_its_setup(client, keys, api):
    # The SDK sends its first event and waits for no answer: what is closed then is a session, which is left alone.
    on_a_loop(client, INTERACTIONS.talk)
    api.refuse_live_with(1008, CLOSES["close_leaked"].reason)
    keys.rotate()
    assert failure(client, INTERACTIONS)[0] is stock_failure(api, INTERACTIONS)[0]
    assert keys.fetches == 1


# What is not about the key, or can't be helped


@sockets(LIVE, MUSIC, INTERACTIONS)
@pytest.mark.parametrize("refusal", ["API_KEY_INVALID", "leaked", "unauthenticated_plain"])
def test_with_nothing_better_the_sdks_own_error_stands(socket, refusal, client, keys, api):
    api.refuse_with(refusal)
    on_a_loop(client, socket.talk)
    api.revoke("key-1")
    assert failure(client, socket) == stock_failure(api, socket)
    assert keys.fetches == 2


@sockets(LIVE, MUSIC, INTERACTIONS)
@pytest.mark.parametrize("answer", ["SERVICE_DISABLED", "permission_denied", "bad_request", "not_found", "quota_429"])
def test_a_handshake_refused_for_another_reason_is_left_alone(socket, answer, client, keys, api):
    refusal = REFUSALS[answer]
    api.answer_next(refusal.status, refusal.body, times=2, path="/ws" if socket is not INTERACTIONS else "/live")
    assert failure(client, socket) == stock_failure(api, socket)
    assert keys.fetches == 1


def test_a_handshake_is_diagnosed(client, api, caplog):
    api.answer_next(403, REFUSALS["SERVICE_DISABLED"].body)
    failure(client, LIVE)
    assert ["Enable the Generative Language API" in record.getMessage() for record in caplog.records] == [True]


@needs_interactions
@pytest.mark.parametrize("moment", ["interactions/live", "/models"])
def test_a_key_that_another_task_rotated_meanwhile_is_no_lost_connection(moment, client, credentials, keys, api):
    on_a_loop(client, INTERACTIONS.talk)
    old = credentials.get()
    keys.rotate()

    def reject_at(request):
        if moment in request.path and request.key == "key-1":
            credentials.reject(old)

    api.on_request = reject_at
    assert on_a_loop(client, INTERACTIONS.talk) == [INTERACTIONS.expected]


@needs_interactions
def test_a_question_that_fails_itself_leaves_the_sdks_own_error(client, keys, api):
    on_a_loop(client, INTERACTIONS.talk)
    api.revoke("key-1")
    api.answer_next(200, "<html>no JSON</html>", path="/models")
    assert failure(client, INTERACTIONS) == stock_failure(api, INTERACTIONS)
    assert keys.fetches == 1


# Where the key must not go


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"base_url": "https://elsewhere.example"}, "elsewhere.example"),
        ({"headers": {"X-Goog-Api-Key": "mine"}}, "own headers contain a key"),
    ],
)
@pytest.mark.parametrize("typed", [dict, types.HttpOptions], ids=["dict", "typed"])
def test_a_connections_own_address_or_key_is_refused(options, words, typed, client, api):
    for config in (
        {"http_options": typed(**options)},
        types.LiveConnectConfig(http_options=types.HttpOptions(**options)),
    ):

        async def to_there(aio, config=config):
            async with aio.live.connect(model="m", config=config):
                pass

        with pytest.raises(ConfigurationError, match=words):
            on_a_loop(client, to_there)
    assert api.requests == []


@needs_interactions
def test_a_key_of_its_own_for_the_interactions_socket_is_refused_too(client, api):
    async def with_a_key(aio):
        async with aio.interactions.connect("int-1", extra_headers={"X-Goog-Api-Key": "mine"}):
            pass

    with pytest.raises(ConfigurationError, match="own headers contain a key"):
        on_a_loop(client, with_a_key)
    assert api.requests == []


@sockets(LIVE, INTERACTIONS)
@pytest.mark.parametrize("answer", ["unauthenticated_plain", "API_KEY_INVALID", "leaked"])
def test_a_redirect_to_another_origin_carries_no_key_and_says_nothing_about_it(
    socket, answer, client, keys, api, other
):
    api.redirect("/", other.base_url.replace("https", "wss"))
    other.answer_next(REFUSALS[answer].status, REFUSALS[answer].body)
    failure(client, socket)
    assert [request.key for request in other.requests] == [None]
    assert keys.fetches == 1


@needs_music
def test_a_redirect_of_live_music_takes_the_key_along_as_a_stock_clients_does(client, api, other):
    # The SDK takes no argument for this connection; the page of paths says so. Should this fail, it can be mended.
    api.redirect("/", other.base_url.replace("https", "wss"))
    other.accept("key-1")
    on_a_loop(client, MUSIC.talk)
    with genai.Client(api_key="key-1", http_options={"base_url": api.base_url}) as stock:
        on_a_loop(stock, MUSIC.talk)
    assert [request.key for request in other.requests] == ["key-1", "key-1"]


# The clients behind it


def test_the_client_of_a_key_is_built_once_and_off_the_loop(keys, credentials, api, monkeypatch):
    built = []

    class Counted(genai.Client):
        def __init__(self, **options):
            built.append(threading.current_thread() is threading.main_thread())
            super().__init__(**options)

    monkeypatch.setattr(google.genai, "Client", Counted)

    async def eight(aio):
        return await asyncio.gather(*(LIVE.talk(aio) for _ in range(8)))

    async def rotate(aio):
        keys.rotate()

    with credentials.client(http_options={"base_url": api.base_url}) as client:
        assert on_a_loop(client, eight, rotate, eight)[2] == ["pong: hi"] * 8
        on_a_loop(client, LIVE.talk)
    assert built == [True, False, False]


def test_a_client_that_could_not_be_built_is_built_again(keys, credentials, api, monkeypatch):
    class Failing(genai.Client):
        def __init__(self, **options):
            raise OSError("no more files")

    with credentials.client(http_options={"base_url": api.base_url}) as client:
        with monkeypatch.context() as patch:
            patch.setattr(google.genai, "Client", Failing)
            with pytest.raises(OSError, match="no more files"):
                on_a_loop(client, LIVE.talk)
        assert on_a_loop(client, LIVE.talk) == ["pong: hi"]


def parameters(function):
    return {name: part.kind for name, part in inspect.signature(function).parameters.items()}


def test_what_live_relies_on_is_there(client):
    assert "create_connection" in parameters(connect.__init__), "the guard's way into websockets"
    assert list(parameters(ClientConnection.handshake))[1] == "additional_headers", "what the guard takes the key from"
    uri = ClientProtocol(parse_uri("wss://host:1/path")).uri
    assert (uri.secure, uri.host, uri.port) == (True, "host", 1), "where the guard sees a connection go"
    stock = type(genai.Client(api_key="key").aio)
    overridden = [name for name in ("live", "interactions", "environments") if hasattr(stock, name)]
    assert [name for name in overridden if not isinstance(getattr(stock, name), property)] == []
    assert parameters(Live.connect) == parameters(AsyncLive.connect)
    assert parameters(Music.connect) == parameters(AsyncLiveMusic.connect)
    if "environments" in overridden:
        assert "http_options" in parameters(client.aio.environments.files.upload)


@needs_interactions
def test_the_errors_that_live_reads_are_as_they_were():
    refused = InvalidStatus(Response(401, "", {}, b"body"))
    assert (refused.response.status_code, refused.response.body) == (401, b"body")
    with pytest.raises(errors.APIError) as caught:
        errors.APIError.raise_error(1008, "reason", None)
    assert (caught.value.code, caught.value.details) == (1008, "reason")
    assert {"rcvd", "sent"} <= set(parameters(ConnectionClosed))
    hidden = APIWebSocketError("text", http_status=401, close_code=1008)
    assert (hidden.http_status, hidden.close_code) == (401, 1008)
