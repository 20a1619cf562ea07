"""Every path of the SDK through a rotation: the old key is revoked, the call succeeds, and the API saw one replay."""

import asyncio
import re
import ssl
from importlib.metadata import version
from pathlib import Path

import pytest
from google import genai
from sdk_paths import MIDWAY, MODEL, PATHS, SOCKETS, Keys, Missing, public_methods

from genai_credentials import CredentialProvider
from genai_credentials.testing import FakeGemini

# What google-genai itself warns of, under warnings-as-errors.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*(experimental|deprecated)"),
    pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning"),
]

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "paths.md"
TABLE = [*PATHS, *SOCKETS, *MIDWAY]
SIDES = ("sync", "async")

SEND_NOTHING = {
    "close": "ends the client",
    "aclose": "ends the client",
    "chats.create": "makes an object; what that sends is in the table",
    "chats.get_history": "reads memory",
    "chats.record_history": "writes memory",
}
PLUMBING = re.compile(r".*\.do_request(_async)?$")
"""What the generated methods send through."""


class Broken(Exception):
    """A path that this SDK has and that could not be called even before the rotation."""


@pytest.fixture(scope="module")
def proved():
    """How often each (name, side) was replayed; None where the SDK has no such path."""
    return {}


@pytest.fixture(scope="module", autouse=True)
def one_context():
    """Each client reads the system's certificates, for 60 ms; here nobody looks at them."""
    context = ssl.create_default_context()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", lambda *args, cafile=None, **options: trusting(cafile) or context)
        yield


make_context = ssl.create_default_context


def trusting(cafile):
    """A context of its own where a test names its authority; None for the system's."""
    return make_context(cafile=cafile) if cafile and "certifi" not in cafile else None


@pytest.fixture
def world(path, monkeypatch):
    """The API, its keys, and our client in front of it."""
    with FakeGemini(tls=path.tls) as api:
        if path.tls:
            monkeypatch.setenv("SSL_CERT_FILE", api.ca_file)
        keys = Keys(api)
        with CredentialProvider(keys) as credentials:
            options = dict(path.options)
            http_options = {"base_url": api.base_url, **options.pop("http_options", {})}
            with credentials.client(http_options=http_options, **options) as client:
                yield api, keys, credentials, client


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("path", TABLE, ids=lambda path: path.name)
def test_a_rotation_is_lived_through_on(path, side, world, proved):
    api, keys, credentials, client = world
    api.on_request = script(path, api, keys)
    proved[path.name, side] = None
    mark = []

    def rotate():
        mark.append(len(api.requests))
        if path.rotates_at is None:
            keys.rotate()

    try:
        answer = run(path, side, client, rotate)
    except (Missing, ValueError) as error:
        if isinstance(error, ValueError) and "only supported in" not in str(error):
            raise
        pytest.skip(str(error))
    assert answer == path.expected
    signed = [(request.key, request.status) for request in api.requests[mark[0] :] if request.key]
    refused = [answered for answered in signed if answered[1] == 400]
    assert refused == [("key-1", 400)] * path.replays
    assert {status for _, status in signed} <= {200, 101, 400}
    assert signed[-1][0] == "key-2" or not path.replays
    assert all(request.status in (200, 101) for request in api.requests if not request.key)
    assert credentials.status().counters["replays"] == path.replays
    assert keys.fetches == 1 + bool(path.replays)
    proved[path.name, side] = path.replays


def script(path, api, keys):
    """What happens at the API as requests come in."""

    def arrive(request):
        if path.rotates_at and keys.number == 1 and path.rotates_at(request):
            keys.rotate()
        if request.key == keys.current and (canned := path.canned(request)) is not None:
            api.answer_next(200, canned)

    return arrive


def run(path, side, client, rotate):
    """Use the client once, rotate, and call the path."""
    if side == "sync":
        client.models.get(model="first") if path.rotates_at else path.call(client)
        rotate()
        return path.call(client)

    async def main():
        async with client.aio as aio:
            await (aio.models.get(model="first") if path.rotates_at else path.acall(aio))
            rotate()
            return await path.acall(aio)

    return asyncio.run(main())
