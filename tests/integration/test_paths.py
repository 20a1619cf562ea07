"""Every path of the SDK through a rotation: the old key is revoked, the call succeeds, and the API saw one replay."""

import asyncio
import contextlib
import re
from importlib.metadata import version
from pathlib import Path

import pytest
from google import genai
from sdk_paths import MIDWAY, MODEL, PATHS, SOCKETS, Keys, public_methods, skipping_what_is_missing

from genai_credentials import CredentialProvider, Tenants
from genai_credentials.testing import FakeGemini

# What google-genai itself warns of, under warnings-as-errors.
pytestmark = [
    pytest.mark.usefixtures("no_certificates"),
    pytest.mark.filterwarnings("ignore:.*(experimental|deprecated)"),
    pytest.mark.filterwarnings("ignore:Async interactions client cannot use aiohttp"),
    pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning"),
]

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "paths.md"
TABLE = [*PATHS, *SOCKETS, *MIDWAY]
SIDES = ("sync", "async")
OWNERS = ("credentials", "tenants")

SEND_NOTHING = {
    "close": "ends the client",
    "aclose": "ends the client",
    "chats.create": "makes an object; what that sends is in the table",
    "chats.get_history": "reads memory",
    "chats.record_history": "writes memory",
}
PLUMBING = re.compile(r".*\.do_request(_async)?$")
"""What the generated methods send through."""


@pytest.fixture(scope="module")
def proved():
    """How often each (name, side, owner) was replayed; None where the SDK has no such path."""
    return {}


@pytest.fixture
def world(path, owner, monkeypatch):
    """The API, its keys, and our client in front of it."""
    with FakeGemini(tls=path.tls) as api:
        if path.tls:
            monkeypatch.setenv("SSL_CERT_FILE", api.ca_file)
        keys = Keys(api)
        options = dict(path.options)
        options["http_options"] = {"base_url": api.base_url, **options.pop("http_options", {})}
        with globals()[f"client_of_{owner}"](api, keys, options) as (credentials, client, connections):
            yield api, keys, credentials, client, connections


@contextlib.contextmanager
def client_of_credentials(api, keys, options):
    """A client of its own."""
    with CredentialProvider(keys) as credentials, credentials.client(**options) as client:
        yield credentials, client, contextlib.nullcontext()


@contextlib.contextmanager
def client_of_tenants(api, keys, options):
    """The client of one of two tenants; the other has used the same connections."""
    api.accept("another-tenant's")
    stores = {"acme": keys, "another": lambda: "another-tenant's"}
    tenants = Tenants(lambda tenant: CredentialProvider(stores[tenant]))
    with tenants, tenants.clients(**options) as clients, clients["acme"] as client:
        assert clients["another"].models.get(model="x").name
        yield tenants["acme"], client, clients


@pytest.mark.parametrize("owner", OWNERS)
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("path", TABLE, ids=lambda path: path.name)
def test_a_rotation_is_lived_through_on(path, side, owner, world, proved):
    api, keys, credentials, client, connections = world
    api.on_request = script(path, api, keys)
    proved[path.name, side, owner] = "failed"
    mark = []

    def rotate():
        mark.append(len(api.requests))
        if path.rotates_at is None:
            keys.rotate()

    with skipping_what_is_missing(lambda: proved.update({(path.name, side, owner): None})):
        answer = run(path, side, client, connections, rotate)
    assert answer == path.expected
    signed = [(request.key, request.status) for request in api.requests[mark[0] :] if request.key]
    refused = [answered for answered in signed if answered[1] == 400]
    assert refused == [("key-1", 400)] * path.replays
    assert {status for _, status in signed} <= {200, 101, 400}
    assert signed[-1][0] == "key-2" or not path.replays
    assert all(request.status in (200, 101) for request in api.requests if not request.key)
    assert {request.key for request in api.requests[mark[0] :] if request.key} <= {"key-1", "key-2"}
    assert credentials.status().counters["replays"] == path.replays
    assert keys.fetches == 1 + bool(path.replays)
    proved[path.name, side, owner] = path.replays


def script(path, api, keys):
    """What happens at the API as requests come in."""

    def arrive(request):
        if path.rotates_at and keys.number == 1 and path.rotates_at(request):
            keys.rotate()
        if request.key == keys.current and (canned := path.canned(request)) is not None:
            api.answer_next(200, canned)

    return arrive


def run(path, side, client, connections, rotate):
    """Use the client once, rotate, and call the path."""
    if side == "sync":
        client.models.get(model="first") if path.rotates_at else path.call(client)
        rotate()
        return path.call(client)

    async def main():
        async with connections, client.aio as aio:
            await (aio.models.get(model="first") if path.rotates_at else path.acall(aio))
            rotate()
            return await path.acall(aio)

    return asyncio.run(main())


# The table is whole


def test_the_table_has_every_method_of_the_sdk():
    with genai.Client(api_key="key") as client:
        there = {
            "sync": public_methods(client) | public_methods(client.chats.create(model=MODEL), "chats."),
            "async": public_methods(client.aio) | public_methods(client.aio.chats.create(model=MODEL), "chats."),
        }
    known = {path.method for path in TABLE} | set(SEND_NOTHING)
    unknown = [f"{name} ({side})" for side in SIDES for name in there[side] if name not in known]
    assert [name for name in unknown if not PLUMBING.match(name.partition(" ")[0])] == [], (
        "Add a row to sdk_paths.py, or the reason why the method needs none to SEND_NOTHING."
    )
    twins = [name for name in known if "with_raw_response" in name or "with_streaming_response" in name]
    assert len(twins) == 2, "The raw and the streaming twins send what the plain methods do; one of each is proved."


# The page


def test_the_page_shows_what_was_proved(proved, request):
    if len(proved) < len(TABLE) * len(SIDES) * len(OWNERS) or "failed" in proved.values():
        pytest.skip("only a part of the paths was run, or not with success")
    page = page_of(proved)
    print(page)
    if request.config.getoption("--write-paths", default=False):
        PAGE.write_text(page)
    committed = PAGE.read_text()
    if numbers(version("google-genai")) < numbers(re.search(r"google-genai ([\d.]+)", committed)[1]):
        pytest.skip("the page is about a newer google-genai")
    assert rows(committed) == rows(page), "Write it again: pytest tests/integration/test_paths.py --write-paths"


def numbers(text):
    return [int(part) for part in re.findall(r"\d+", text)[:3]]


def rows(page):
    return [line for line in page.splitlines() if line.startswith("|")]


def page_of(proved):
    """The page: a row for the methods of a part of the SDK that behave alike."""
    table, calls = {}, 0
    for path in TABLE:
        sides = [proved[path.name, side, "credentials"] for side in SIDES]
        if sides == [None, None]:
            continue
        assert sides == [proved[path.name, side, "tenants"] for side in SIDES]
        calls += 2 - sides.count(None)
        marks = tuple("–" if side is None else "✔" for side in sides)
        often = ("not needed", "once", "twice")[path.replays]
        part, _, method = path.method.rpartition(".")
        variant = path.name.removeprefix(path.method).removeprefix(", ")
        kind, express, _ = f", {variant}".partition(", express mode")
        shown = f"`{method}`" + (f" ({kind.removeprefix(', ')})" if kind.strip(", ") else "")
        table.setdefault((f"`{part}`{express}", *marks, "✔", often, path.notes), []).append(shown)
    lines = [f"| {' | '.join([part, ', '.join(methods), *cells])} |" for (part, *cells), methods in table.items()]
    return "\n".join([INTRODUCTION.format(version=version("google-genai"), calls=calls), *lines]) + "\n"


INTRODUCTION = """\
# Every path of the SDK

<!-- Generated: pytest tests/integration/test_paths.py --write-paths -->

Every method of google-genai {version} that sends a request with an API key survives a rotation: {calls} calls were
tested (a synchronous and an asynchronous call count as two), and each succeeded.

A test uses a client once. Then it rotates the key and revokes the old key at the same moment. Then it calls the method,
and the call must succeed.

- *sync*, *async*: a dash means that the SDK has no such method on that side.
- *tenants*: the same test with the client of [one tenant of several](../how-to/tenants.md), which share connections. No
  request carried the key of another tenant.
- *replayed*: how many requests of the call were refused and sent again with the new key.
- *express mode* is Vertex AI with an API key: `enterprise=True`.

| part of the SDK | methods | sync | async | tenants | replayed | notes |
| --- | --- | --- | --- | --- | --- | --- |"""
