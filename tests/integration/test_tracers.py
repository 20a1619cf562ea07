"""What tracers record of what is ours: none of those that walk over attributes finds a key's text."""

import asyncio
import dataclasses
import importlib.util
import io
import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import jsonpickle
import pytest
import rich
from google import genai
from sdk_paths import LIVE, MODEL

from attribute_walk import paths_to
from genai_credentials import CredentialProvider, CredentialsError, Env, Event, File, Tenants
from genai_credentials.testing import FakeGemini

pytestmark = [
    pytest.mark.usefixtures("nothing_left_open"),
    pytest.mark.filterwarnings("ignore:.*(experimental|deprecated)"),
    pytest.mark.filterwarnings("ignore:Async interactions client cannot use aiohttp"),
]


class Used:
    """Things of ours that have sent requests over a rotation; no attribute of the test's own holds a key.

    Args:
        api: Where to.
        path: The file with the key.
    """

    def __init__(self, api: FakeGemini, path: Any) -> None:
        self._api, self._path, self.events = api, path, list[Event]()
        self.rotate()
        self.credentials = CredentialProvider(File(path), on_event=self.events.append)
        self.client = self.credentials.client(http_options={"base_url": api.base_url})
        self.options = self.credentials.http_options(base_url=api.base_url)
        self.auth = self.credentials.httpx_auth()
        self.tenants = Tenants(lambda name: CredentialProvider(File(path)))
        self.clients = self.tenants.clients(http_options={"base_url": api.base_url})

    def rotate(self) -> None:
        """Another key, and no more requests with the one before."""
        before = self._path.read_text() if self._path.exists() else ""
        self._path.write_text(f"AIzaSy{secrets.token_hex(17)[1:]}")
        self._api.accept(self._path.read_text())
        self._api.revoke(before)

    def use(self) -> None:
        """A request in each way."""
        framework = genai.Client(api_key="unused", vertexai=False, http_options=self.options)
        for client in (self.client, framework, self.clients["acme"]):
            assert client.models.generate_content(model=MODEL, contents="hi").text == "pong: hi"
            assert list(client.models.generate_content_stream(model=MODEL, contents="hi"))
            client.files.upload(file=io.BytesIO(b"x"), config={"mime_type": "text/plain"})
        url = f"{self._api.base_url}/v1beta/models"
        with httpx.Client(auth=self.auth) as other:
            assert other.get(url).status_code == 200
        asyncio.run(self._ause())

    async def _ause(self) -> None:
        async with self.client.aio as aio:
            assert (await aio.models.generate_content(model=MODEL, contents="hi")).text == "pong: hi"
            assert await LIVE.talk(aio) == LIVE.expected


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Used]:
    path = tmp_path_factory.mktemp("tracers") / "key"
    with FakeGemini(tls=True) as api, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(api.ca_file))
        used = Used(api, path)
        used.use()
        used.rotate()
        used.use()
        assert api.refused >= 2
        yield used
        used.tenants.close()
        used.credentials.close()


def error_of(call: Callable[[], object]) -> CredentialsError:
    with pytest.raises(CredentialsError) as caught:
        call()
    return caught.value


def broken(path: Any) -> CredentialsError:
    (other := path.with_name("broken")).write_text(f"{path.read_text()} and more")
    return error_of(CredentialProvider(File(other)).get)


THINGS: dict[str, Callable[[Used], object]] = {
    "a key": lambda used: used.credentials.get(),
    "a provider": lambda used: used.credentials,
    "its engine": lambda used: used.credentials.engine,
    "its status": lambda used: used.credentials.status(),
    "a provider's method": lambda used: used.credentials.get,
    "a client": lambda used: used.client,
    "its asynchronous side": lambda used: used.client.aio,
    "live": lambda used: used.client.aio.live,
    "options": lambda used: used.options,
    "a client of a framework's": lambda used: stock(used.options),
    "an Auth": lambda used: used.auth,
    "tenants": lambda used: used.tenants,
    "a tenant's client": lambda used: used.clients["acme"],
    "events": lambda used: used.events,
    "an error of a fetch": lambda used: broken(used._path),
    "an error of no link": lambda used: error_of(CredentialProvider(Env("NOT_SET")).get),
    "an error of a misplaced key": lambda used: error_of(lambda: CredentialProvider.from_uris(text_in(used))),
    "a refused ApiKey": lambda used: error_of(lambda: Env(environ={"GEMINI_API_KEY": text_in(used) + " x"}).fetch()),
    "an environment of its own": lambda used: got(Env(environ={"GEMINI_API_KEY": text_in(used)})),
    "a function": lambda used: got(text_of(used)),
}


def stock(options: Any) -> genai.Client:
    return genai.Client(api_key="unused", vertexai=False, http_options=options)


def got(*providers: Any) -> CredentialProvider:
    credentials = CredentialProvider(*providers)
    credentials()
    return credentials


def text_of(used: Used) -> Callable[[], str]:
    text = text_in(used)
    return lambda: text


def text_in(used: Used) -> str:
    return str(used._path.read_text())


each_thing = pytest.mark.parametrize("thing", THINGS)


@each_thing
def test_no_walk_over_attributes_finds_the_text(thing: str, used: Used) -> None:
    assert paths_to(text_in(used), THINGS[thing](used)) == []


def test_such_a_walk_finds_it_in_a_stock_client(used: Used) -> None:
    assert "._api_client.api_key" in paths_to(text_in(used), genai.Client(api_key=text_in(used)))


@each_thing
def test_jsonpickle_writes_no_text(thing: str, used: Used) -> None:
    for unpicklable in (True, False):
        assert text_in(used) not in pickled(THINGS[thing](used), unpicklable=unpicklable)


def test_jsonpickle_writes_that_of_a_stock_client(used: Used) -> None:
    assert text_in(used) in pickled(genai.Client(api_key=text_in(used)), unpicklable=False)


def pickled(thing: object, *, unpicklable: bool) -> str:
    return jsonpickle.encode(thing, unpicklable=unpicklable, keys=True)  # type: ignore[no-any-return]


@each_thing
def test_rich_inspects_no_text(thing: str, used: Used) -> None:
    assert text_in(used) not in inspected(THINGS[thing](used))


def test_rich_inspects_that_of_a_stock_client(used: Used) -> None:
    assert text_in(used) in inspected(genai.Client(api_key=text_in(used))._api_client)


def inspected(thing: object) -> str:
    console = rich.console.Console(file=io.StringIO(), width=10_000)
    rich.inspect(thing, console=console, all=True, value=True)
    console.print(thing)
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


# Langfuse


@dataclasses.dataclass
class Arguments:
    """What a traced function is given and returns, as frameworks hold it."""

    thing: object


@pytest.fixture(scope="module")
def exported() -> Iterator[Callable[[object], str]]:
    """Runs a function under Langfuse's `@observe`, and returns all that would be sent of it."""
    if importlib.util.find_spec("langfuse") is None:
        pytest.skip("langfuse is not installed: pip install langfuse")
    from langfuse import Langfuse, observe
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    langfuse = Langfuse(
        public_key="pk",
        secret_key="sk",
        host="http://127.0.0.1:1",
        tracer_provider=TracerProvider(),
        span_exporter=exporter,
    )

    @observe()
    def traced(thing: object, *, held: object) -> object:
        return held

    def export(thing: object) -> str:
        exporter.clear()
        traced(thing, held=Arguments(thing))
        langfuse.flush()
        spans = exporter.get_finished_spans()
        assert spans
        return json.dumps([dict(span.attributes or {}) for span in spans], default=repr)

    yield export
    langfuse.shutdown()


@each_thing
def test_langfuse_sends_no_text(thing: str, used: Used, exported: Callable[[object], str]) -> None:
    assert text_in(used) not in exported(THINGS[thing](used))


def test_langfuse_sends_that_of_a_stock_client(used: Used, exported: Callable[[object], str]) -> None:
    assert text_in(used) in exported(genai.Client(api_key=text_in(used)))


# Weave, which takes a minute to install


def test_weaves_serializer_finds_no_text(used: Used) -> None:
    serialize = pytest.importorskip("weave.trace.serialization.serialize", reason="pip install weave")
    for thing in THINGS.values():
        for dictified in (True, False):
            sent = serialize.to_json(thing(used), "entity/project", None, use_dictify=dictified)
            assert text_in(used) not in json.dumps(sent, default=repr)
    stock_client = genai.Client(api_key=text_in(used), vertexai=False)
    assert text_in(used) in json.dumps(serialize.to_json(stock_client, "e/p", None, use_dictify=True), default=repr)


# OpenTelemetry, which records the header where it is asked to

CAPTURE = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST"
SANITIZE = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS"


@pytest.mark.parametrize(
    ("environ", "recorded"),
    [({}, False), ({CAPTURE: ".*"}, True), ({CAPTURE: ".*", SANITIZE: "x-goog-api-key"}, False)],
    ids=["as it is", "with capture", "with capture, this header taken out"],
)
def test_opentelemetry_records_the_key_with_header_capture_alone(
    environ: dict[str, str], recorded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = "pip install opentelemetry-instrumentation-httpx"
    instrumentation = pytest.importorskip("opentelemetry.instrumentation.httpx", reason=reason)
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    for name, value in {**environ, "GOOGLE_GENAI_HTTP_CLIENT": "httpx"}.items():
        monkeypatch.setenv(name, value)
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    instrumentor = instrumentation.HTTPXClientInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
    try:
        with (
            FakeGemini("good-key") as api,
            got(lambda: "good-key").client(http_options={"base_url": api.base_url}) as ours,
        ):
            ours.models.generate_content(model=MODEL, contents="hi")
    finally:
        instrumentor.uninstrument()
    (span,) = exporter.get_finished_spans()
    assert ("good-key" in repr(dict(span.attributes or {}))) is recorded
