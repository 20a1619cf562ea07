"""Every path of google-genai that sends a request: one row a method, called on the synchronous and asynchronous side.

The rows are data, so that one table serves the fake API's own tests (a stock client, synchronous) and the tests of a
rotation (ours, both sides).
"""

from __future__ import annotations

import contextlib
import copy
import inspect
import io
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any

import pytest
from google.genai import types
from google.oauth2.credentials import Credentials

from genai_credentials import ConfigurationError
from genai_credentials.testing.gemini import FakeGemini, RecordedRequest

MODEL = "gemini-2.5-flash"


class Missing(Exception):
    """This google-genai has no such method, or not on this side."""


@dataclass(frozen=True)
class SdkPath:
    """One way into the API.

    Args:
        name: The method below the client, and what tells its rows apart: "models.generate_content, express mode".
        call: Calls it on a `genai.Client` and returns what `expected` is compared with.
        acall: The same on the client's `aio`.
        expected: What both return.
        options: Arguments of the client.
        canned: What the fake API is told to answer a request with, where it knows no such path; None where it does.
        tls: Whether the SDK insists on encryption.
        rotates_at: At which request the key is rotated; None for before the call.
        replays: How many requests are sent again after a rotation.
        notes: For people.
    """

    name: str
    call: Callable[[Any], Any]
    acall: Callable[[Any], Awaitable[Any]]
    expected: Any
    options: dict[str, Any] = field(default_factory=dict)
    canned: Callable[[RecordedRequest], dict[str, Any] | None] = lambda request: None
    tls: bool = False
    rotates_at: Callable[[RecordedRequest], bool] | None = None
    replays: int = 1
    notes: str = ""

    @property
    def method(self) -> str:
        """The method's dotted name below the client."""
        return self.name.partition(",")[0]


@contextlib.contextmanager
def skipping_what_is_missing(note: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Skip the test when this google-genai has no such method, with that reason; `note` is called before."""
    try:
        yield
    except (Missing, ValueError, ConfigurationError) as error:
        lacks = re.search("only supported in|This version of google-genai", str(error))
        if not isinstance(error, Missing) and not lacks:
            raise
        note()
        pytest.skip(str(error))


def found(client: Any, dotted: str) -> Any:
    """`client.a.b`, or `Missing`."""
    try:
        return attrgetter(dotted)(client)
    except AttributeError:
        raise Missing(f"this google-genai has no {dotted}") from None


def row(name: str, read: Callable[[Any], Any], expected: Any, /, *args: Any, **named: Any) -> SdkPath:
    """A row for a method that is called once, and whose answer (streams and pages as lists) `read` looks into."""
    method = name.partition(",")[0]

    def call(client: Any) -> Any:
        function = found(client, method)
        answer = function(*copy.deepcopy(args), **copy.deepcopy(named))
        return read(list(answer) if hasattr(answer, "__next__") else answer)

    async def acall(aio: Any) -> Any:
        answer = found(aio, method)(*copy.deepcopy(args), **copy.deepcopy(named))
        if inspect.isawaitable(answer):
            answer = await answer
        return read([part async for part in answer] if hasattr(answer, "__aiter__") else answer)

    return SdkPath(name, call, acall, expected)


def done(_: object) -> str:
    """For calls whose answer says nothing: whatever it was, the call came back."""
    return "done"


def said(interaction: Any) -> str:
    """The text of an interaction, which the first SDKs to have them keep elsewhere."""
    return str(interaction.output_text if hasattr(interaction, "output_text") else interaction.outputs[0].text)


def texts(chunks: Any) -> list[Any]:
    """The texts of a stream."""
    return [chunk.text for chunk in chunks]


def events(stream: Any) -> list[str]:
    """The kinds of an interaction's events."""
    return [event.event_type for event in stream]


name, id_, itself = attrgetter("name"), attrgetter("id"), lambda answer: answer

STREAMED = ["pong", ": ", "hi"]
EVENTS = [
    "interaction.created",
    "step.start",
    "step.delta",
    "step.delta",
    "step.delta",
    "step.stop",
    "interaction.completed",
]
QUESTION = {"type": "choice", "criteria": {"a": "b"}, "instructions": "x"}
TRIGGER: dict[str, Any] = {"interaction": {"agent": "deep-research-pro-preview-12-2025", "input": "x"}}
TOKEN = Credentials(token="t")  # type: ignore[no-untyped-call]
IMAGE = {"image_bytes": b"\x89PNG", "mime_type": "image/png"}
TEXT = {"mime_type": "text/plain"}
PNG = b"\x89PNG\r\n\x1a\n"


def operation(kind: str, name: str) -> Any:
    """A long-running operation as a call for it would have returned it."""
    known = getattr(types, kind, None)
    return known.model_validate({"name": name}) if known else None


def first(attribute: str) -> Callable[[Any], Any]:
    """Reads an attribute of the first item of a list, of a page, or of the one list that an answer holds."""

    def read(answer: Any) -> Any:
        items = answer if isinstance(answer, list) else next(v for v in vars(answer).values() if isinstance(v, list))
        return getattr(items[0], attribute)

    return read


async def _chat(aio: Any) -> Any:
    return (await aio.chats.create(model=MODEL).send_message("yo")).text


async def _chat_stream(aio: Any) -> Any:
    return texts([chunk async for chunk in await aio.chats.create(model=MODEL).send_message_stream("hi")])


def _streamed_response(client: Any) -> Any:
    with found(client, "agents.with_streaming_response").list() as response:
        return response.status_code


async def _astreamed_response(aio: Any) -> Any:
    async with found(aio, "agents.with_streaming_response").list() as response:
        return response.status_code


MODELS = [
    row("models.generate_content", attrgetter("text"), "pong: hi", model=MODEL, contents="hi"),
    row("models.generate_content_stream", texts, STREAMED, model=MODEL, contents="hi"),
    row(
        "models.embed_content, many",
        lambda answer: answer.embeddings[0].values,
        [3.0, 1.0],
        model="gemini-embedding-001",
        contents=["abc", "d"],
    ),
    row(
        "models.embed_content, one",
        lambda answer: answer.embeddings[0].values,
        [4.0, 1.0],
        model="gemini-embedding-2",
        contents="abcd",
    ),
    row("models.count_tokens", attrgetter("total_tokens"), 3, model=MODEL, contents="a b c"),
    row("models.get", name, "models/some", model="some"),
    row("models.list", len, 2),
    row("models.list, tuned", first("name"), "tunedModels/gemini-2.5-flash", config={"query_base": False}),
    row("models.update", name, "tunedModels/t", model="tunedModels/t", config={"display_name": "n"}),
    row("models.delete", type, types.DeleteModelResponse, model="tunedModels/t"),
    row(
        "models.generate_videos",
        name,
        "models/veo-3/operations/op-1",
        model="veo-3",
        source={"prompt": "p"},
    ),
    SdkPath(
        "chats.send_message",
        lambda client: client.chats.create(model=MODEL).send_message("yo").text,
        _chat,
        "pong: yo",
    ),
    SdkPath(
        "chats.send_message_stream",
        lambda client: texts(client.chats.create(model=MODEL).send_message_stream("hi")),
        _chat_stream,
        STREAMED,
    ),
]

RESOURCES = [
    row(
        "files.upload",
        attrgetter("size_bytes"),
        3,
        file=io.BytesIO(b"abc"),
        config=TEXT,
    ),
    row("files.get", name, "files/f", name="files/f"),
    row("files.list", itself, []),
    row("files.download", itself, b"bytes of files/f", file="files/f"),
    row("files.delete", type, types.DeleteFileResponse, name="files/f"),
    row("files.register_files", lambda answer: answer.files[0].uri, "gs://a/b", auth=TOKEN, uris=["gs://a/b"]),
    row("caches.create", name, "cachedContents/created", model=MODEL, config={"contents": ["x"]}),
    row("caches.list", first("name"), "cachedContents/one"),
    row("caches.get", name, "cachedContents/q", name="cachedContents/q"),
    row("caches.update", name, "cachedContents/q", name="cachedContents/q", config={"ttl": "9s"}),
    row("caches.delete", type, types.DeleteCachedContentResponse, name="cachedContents/q"),
    row(
        "batches.create",
        attrgetter("display_name"),
        "B",
        model=MODEL,
        src=[{"contents": [{"parts": [{"text": "hi"}]}]}],
        config={"display_name": "B"},
    ),
    row(
        "batches.create_embeddings",
        name,
        "batches/created",
        model="gemini-embedding-001",
        src={"inlined_requests": {"contents": ["a"]}},
    ),
    row("batches.get", attrgetter("state"), types.JobState.JOB_STATE_SUCCEEDED, name="batches/b"),
    row("batches.list", first("name"), "batches/one"),
    row("batches.cancel", itself, None, name="batches/b"),
    row("batches.delete", type, types.DeleteResourceJob, name="batches/b"),
    row(
        "tunings.tune",
        name,
        "tunedModels/created",
        base_model="models/x",
        training_dataset={"examples": [{"text_input": "a", "output": "b"}]},
    ),
    row("tunings.get", name, "tunedModels/t", name="tunedModels/t"),
    row("tunings.cancel", type, types.CancelTuningJobResponse, name="tunedModels/t"),
    row(
        "operations.get, videos",
        attrgetter("done"),
        True,
        operation("GenerateVideosOperation", "models/veo-3/operations/op-1"),
    ),
    row(
        "operations.get, an import",
        attrgetter("done"),
        True,
        operation("ImportFileOperation", "fileSearchStores/s/operations/o"),
    ),
    row(
        "operations.get, an upload",
        attrgetter("done"),
        True,
        operation("UploadToFileSearchStoreOperation", "fileSearchStores/s/upload/operations/o"),
    ),
    row("file_search_stores.create", attrgetter("display_name"), "S", config={"display_name": "S"}),
    row("file_search_stores.get", name, "fileSearchStores/s", name="fileSearchStores/s"),
    row("file_search_stores.list", first("name"), "fileSearchStores/one"),
    row("file_search_stores.delete", itself, None, name="fileSearchStores/s"),
    row(
        "file_search_stores.import_file",
        name,
        "fileSearchStores/s/operations/op-1",
        file_search_store_name="fileSearchStores/s",
        file_name="files/f",
    ),
    row(
        "file_search_stores.upload_to_file_search_store",
        lambda answer: answer.name.partition("-")[0],
        "fileSearchStores/s/upload/operations/op",
        file_search_store_name="fileSearchStores/s",
        file=io.BytesIO(b"abc"),
        config=TEXT,
    ),
    row(
        "file_search_stores.download_media",
        itself,
        b"bytes of fileSearchStores/s/media/m",
        media_id="fileSearchStores/s/media/m",
    ),
    row(
        "file_search_stores.documents.get",
        name,
        "fileSearchStores/s/documents/d",
        name="fileSearchStores/s/documents/d",
    ),
    row(
        "file_search_stores.documents.list",
        first("name"),
        "fileSearchStores/s/documents/one",
        parent="fileSearchStores/s",
    ),
    row("file_search_stores.documents.delete", itself, None, name="fileSearchStores/s/documents/d"),
    replace(
        row("auth_tokens.create", name, "auth_tokens/created", config={"uses": 1}),
        options={"http_options": {"api_version": "v1alpha"}},
    ),
]

GENERATED = [
    row("interactions.create", said, "pong: hi", model=MODEL, input="hi"),
    row("interactions.create, parts", said, "pong: hi", model=MODEL, input=[{"type": "text", "text": "hi"}]),
    row("interactions.create, stream", events, EVENTS, model=MODEL, input="hi", stream=True),
    row("interactions.get", said, "pong: int-1", "int-1"),
    row("interactions.get, stream", events, EVENTS, "int-1", stream=True),
    row("interactions.cancel", id_, "int-1", "int-1"),
    row("interactions.delete", done, "done", "int-1"),
    row("interactions.auth_tokens.create", attrgetter("auth_token"), "auth_tokens/i", "i"),
    row("interactions.auth_tokens.delete", done, "done", "i", "auth_tokens/t"),
    row("interactions.with_raw_response.create", attrgetter("status_code"), 200, model=MODEL, input="hi"),
    row("agents.list", first("id"), "one"),
    row("agents.get", id_, "a", "a"),
    row("agents.create", id_, "created", id="a"),
    row("agents.delete", done, "done", "a"),
    SdkPath("agents.with_streaming_response.list", _streamed_response, _astreamed_response, 200),
    row("credentials.list", first("id"), "one"),
    row("credentials.get", id_, "a", "a"),
    row("credentials.create", id_, "created", id="a", token="t", type="bearer_token"),
    row("credentials.update", id_, "a", "a", token="t", type="bearer_token"),
    row("credentials.delete", done, "done", "a"),
    row("voices.list", first("id"), "one"),
    row("voices.get", id_, "v", "v"),
    row("voices.create", id_, "created", voice={"type": "prompted", "prompted": {"input": "x"}}),
    row("voices.delete", done, "done", "v"),
    row("triggers.list", first("id"), "one"),
    row("triggers.get", id_, "t", "t"),
    row("triggers.create", id_, "created", schedule="* * * * *", time_zone="UTC", **TRIGGER),
    row("triggers.update", id_, "t", "t", display_name="d"),
    row("triggers.delete", done, "done", "t"),
    row("triggers.run", id_, "created", "t"),
    row("triggers.list_executions", first("trigger_id"), "one", "t"),
    row("webhooks.list", first("id"), "one"),
    row("webhooks.get", id_, "w", "w"),
    row("webhooks.create", id_, "created", uri="https://x/y", subscribed_events=["batch.completed"]),
    row("webhooks.update", id_, "w", "w", uri="https://x/y"),
    row("webhooks.delete", done, "done", "w"),
    row("webhooks.ping", done, "done", "w"),
    row("webhooks.rotate_signing_secret", attrgetter("secret"), "secret of w", "w"),
    row("environments.list", first("id"), "one"),
    row("environments.list_environments", first("id"), "one"),
    row("environments.get", id_, "e", "e"),
    row("environments.get_environment", id_, "e", "e"),
    row("environments.create", id_, "created"),
    row("environments.create_environment", id_, "created"),
    row("environments.delete", done, "done", "e"),
    row("environments.delete_environment", done, "done", "e"),
    row("environments.files.list", first("name"), "a/b", environment="e", path="a/b"),
    row("environments.files.download", itself, b"bytes of environments/e/files/a/b", environment="e", path="a/b"),
    row(
        "environments.files.upload",
        lambda answer: answer.files[0].size_bytes,
        3,
        environment="e",
        path="a/b.txt",
        file=b"abc",
    ),
    row(
        "decisions.create",
        lambda answer: answer.answers["q"].choice,
        "pong",
        model=MODEL,
        input="x",
        questions={"q": QUESTION},
    ),
]


def express(made: SdkPath, canned: dict[str, Any] | None = None) -> SdkPath:
    """The row in express mode: the enterprise platform with an API key."""
    answer = made.canned if canned is None else lambda request: canned
    return replace(made, name=f"{made.name}, express mode", options={"enterprise": True}, canned=answer)


def _image(answer: Any) -> bytes:
    return bytes(answer.generated_images[0].image.image_bytes)


EXPRESS = [
    express(row("models.generate_content", attrgetter("text"), "pong: hi", model=MODEL, contents="hi")),
    express(row("models.generate_content_stream", texts, STREAMED, model=MODEL, contents="hi")),
    express(row("models.count_tokens", attrgetter("total_tokens"), 3, model=MODEL, contents="a b c")),
    express(
        row(
            "models.compute_tokens",
            lambda answer: answer.tokens_info[0].token_ids,
            [1],
            model=MODEL,
            contents="a",
        ),
        canned={"tokensInfo": [{"tokenIds": ["1"], "role": "user"}]},
    ),
    express(
        row(
            "models.embed_content",
            lambda answer: answer.embeddings[0].values,
            [3.0, 1.0],
            model="text-embedding-005",
            contents="abc",
        )
    ),
    express(row("models.get", name, "publishers/google/models/some", model="some")),
    express(row("models.list", len, 2)),
    express(row("models.generate_images", _image, PNG, model="imagen-4.0-generate-001", prompt="p")),
    express(
        row(
            "models.edit_image",
            _image,
            PNG,
            model="imagen-3.0-capability-001",
            prompt="p",
            reference_images=[{"reference_id": 1, "reference_image": IMAGE, "reference_type": "REFERENCE_TYPE_RAW"}],
        )
    ),
    express(
        row("models.upscale_image", _image, PNG, model="imagen-4.0-upscale-preview", image=IMAGE, upscale_factor="x2")
    ),
    express(
        row(
            "models.recontext_image",
            _image,
            PNG,
            model="imagen-product-recontext-preview",
            source={"prompt": "p", "product_images": [{"product_image": IMAGE}]},
        )
    ),
    express(
        row(
            "models.segment_image",
            lambda answer: answer.generated_masks[0].mask.image_bytes,
            PNG,
            model="image-segmentation-001",
            source={"image": IMAGE},
        )
    ),
    express(
        row(
            "models.generate_videos",
            name,
            "publishers/google/models/veo-3/operations/op-1",
            model="veo-3",
            source={"prompt": "p"},
        )
    ),
    express(
        row(
            "operations.get, videos",
            attrgetter("done"),
            True,
            operation("GenerateVideosOperation", "publishers/google/models/veo-3/operations/op-1"),
        )
    ),
    express(row("tunings.list", len, 1), canned={"tuningJobs": [{"name": "one"}]}),
    express(
        row(
            "tunings.validate_reward",
            done,
            "done",
            parent="projects/p/locations/l",
            sample_response={"parts": [{"text": "x"}]},
            example={},
        ),
        canned={},
    ),
]

PATHS = [*MODELS, *RESOURCES, *GENERATED, *EXPRESS]


# What takes a connection of its own


async def _live_turn(session: Any) -> Any:
    await session.send_client_content(turns={"role": "user", "parts": [{"text": "hi"}]})
    answers = [message.text async for message in session.receive()]
    return answers[0]


async def _music_turn(session: Any) -> Any:
    await session.play()
    return (await anext(session.receive())).server_content.audio_chunks[0].data


async def _interaction_turn(session: Any) -> Any:
    await session.send("hi")
    async for event in session.receive():
        if event.event_type == "step.delta":
            return event.delta.text
    return None


@dataclass(frozen=True)
class Socket:
    """A WebSocket of the SDK: what opens it on `aio`, one turn on its session, and what that turn is answered with."""

    method: str
    open: Callable[[Any], Any]
    turn: Callable[[Any], Awaitable[Any]]
    expected: Any

    async def talk(self, aio: Any) -> Any:
        """Open it for one turn."""
        async with self.open(aio) as session:
            return await self.turn(session)

    def path(self, **more: Any) -> SdkPath:
        """Its row in the table."""
        return SdkPath(self.method, lambda client: found(client, self.method), self.talk, self.expected, **more)


LIVE = Socket("live.connect", lambda aio: found(aio, "live.connect")(model=MODEL), _live_turn, "pong: hi")
MUSIC = Socket(
    "live.music.connect",
    lambda aio: found(aio, "live.music.connect")(model="models/lyria-realtime-exp"),
    _music_turn,
    b"\0" * 16,
)
INTERACTIONS = Socket(
    "interactions.connect", lambda aio: found(aio, "interactions.connect")("int-1"), _interaction_turn, "pong: hi"
)

SOCKETS = [
    LIVE.path(tls=True),
    replace(express(LIVE.path()), tls=True),
    MUSIC.path(
        tls=True,
        notes="if the handshake is redirected to another origin, the key goes there, as with a stock client: the SDK "
        "has no argument to prevent it for this connection",
    ),
    INTERACTIONS.path(
        replays=2,
        notes="the SDK hides the reason of a refused handshake, so the client calls `models.list`, which is replayed "
        "as well",
    ),
]


# What the key changes in the middle of


def _at(part: str) -> Callable[[RecordedRequest], bool]:
    return lambda request: part in (request.header("x-goog-upload-offset") or request.query)


MIDWAY = [
    replace(
        row(
            "files.upload, rotated between two chunks",
            attrgetter("size_bytes"),
            2 * 8 * 1024 * 1024 + 5,
            file=io.BytesIO(bytes(2 * 8 * 1024 * 1024 + 5)),
            config=TEXT,
        ),
        rotates_at=_at(str(8 * 1024 * 1024)),
        replays=0,
        notes="chunks carry no key: the upload continues at its own URL",
    ),
    replace(
        row("models.list, rotated between two pages", len, 3),
        rotates_at=_at("pageToken"),
        canned=lambda request: (
            None if "pageToken" in request.query else {"models": [{"name": "models/first"}], "nextPageToken": "more"}
        ),
        notes="the request for the second page is replayed",
    ),
]


class Keys:
    """A provider whose key is rotated at the fake API at the same time."""

    name = "keys"

    def __init__(self, api: FakeGemini) -> None:
        self.api, self.number, self.fetches = api, 0, 0
        self.rotate()

    @property
    def current(self) -> str:
        """The text of the key that is good now."""
        return f"key-{self.number}"

    def rotate(self) -> None:
        """Make another key, and revoke the one before at once."""
        self.number += 1
        self.api.accept(self.current)
        self.api.revoke(f"key-{self.number - 1}")

    def fetch(self, rejected: Any = None) -> str:
        """Called by the engine."""
        self.fetches += 1
        return self.current


def public_methods(client: Any, prefix: str = "") -> dict[str, Any]:
    """Every public method below a client or its `aio`, by its dotted name; raw and streaming twins left out."""
    methods: dict[str, Any] = {}
    for attribute in sorted(dir(client)):
        if attribute.startswith("_") or re.match("aio$|parent_ref|sdk_configuration|with_(raw|streaming)", attribute):
            continue
        value = getattr(client, attribute)
        if inspect.isroutine(value):
            methods[prefix + attribute] = value
        elif type(value).__module__.startswith("google.genai"):
            methods |= public_methods(value, f"{prefix}{attribute}.")
    return methods
