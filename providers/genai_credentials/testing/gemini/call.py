"""One request with the shapes of its answers, and the memory of uploads."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from genai_credentials.testing.gemini.wire import Answer, RecordedRequest
from genai_credentials.testing.refusals import error_body

Body: TypeAlias = dict[str, Any]

API = "https://generativelanguage.googleapis.com/v1beta"
WHEN = "2026-01-01T00:00:00Z"


@dataclass(slots=True)
class Call:
    """One request, as the function that answers it receives it.

    Args:
        request: The request.
        path: Its path after the API version, such as "models/gemini-2.5-flash:generateContent".
        names: The variable parts of the path in order, without verbs.
        uploads: The files that were uploaded so far.
    """

    request: RecordedRequest
    path: str
    names: list[str]
    uploads: Uploads

    @property
    def body(self) -> Body:
        """The JSON body of the request; an empty object if there is none."""
        return body_of(self.request)

    @property
    def resource(self) -> str:
        """The name of the resource in the request: its path without the verb."""
        head, slash, last = self.path.rpartition("/")
        return head + slash + last.partition(":")[0]

    @property
    def kind(self) -> str:
        """The name of the collection in a request for a whole collection: the last part of its path."""
        return self.path.rpartition("/")[2]


def body_of(request: RecordedRequest) -> Body:
    """Return the JSON body of a request; an empty object if there is none or it is no object."""
    try:
        parsed = json.loads(request.body or b"{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def reply(body: Body, *, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """Return a JSON answer."""
    return Answer(200, json.dumps(body).encode(), headers=headers)


def events(bodies: Iterable[Body], *, done: bool = False) -> Answer:
    """Return a stream of server-sent events. `done` adds the final `[DONE]` that OpenAI's clients require."""
    chunks = (f"data: {json.dumps(body)}\r\n\r\n".encode() for body in bodies)
    last = [b"data: [DONE]\r\n\r\n"] if done else []
    return Answer(200, content_type="text/event-stream", stream=itertools.chain(chunks, last))


def array(bodies: Iterable[Body]) -> Answer:
    """Return a stream as one JSON array. The API streams in this form if the request has no `alt=sse`."""

    def chunks() -> Iterator[bytes]:
        before = b"["
        for body in bodies:
            yield before + json.dumps(body).encode()
            before = b"\r\n,\r\n"
        yield b"]"

    return Answer(200, stream=chunks())


def is_for_openai(path: str) -> bool:
    """Whether a path is for OpenAI's clients. The API sends the errors of these paths in a list."""
    return "/openai/" in path


def not_found(path: str) -> Answer:
    """Return the API's answer to an unknown path."""
    body = error_body(404, f"Requested entity was not found: {path}", "NOT_FOUND")
    return Answer(404, b"[" + body + b"]" if is_for_openai(f"/{path}") else body)


def file_body(name: str, **fields: Any) -> Body:
    """Return a file as the API describes it. Fields that are None are left out."""
    file = {"name": name, "uri": f"{API}/{name}", "state": "ACTIVE", "createTime": WHEN, "mimeType": "text/plain"}
    return file | {key: value for key, value in fields.items() if value is not None}


class Uploads:
    """Resumable uploads: the sessions under way, and the files that they made. Thread-safe.

    Args:
        scheme: "http" or "https", for the URLs to which chunks are sent.
    """

    def __init__(self, scheme: str) -> None:
        self._scheme = scheme
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._sessions: dict[str, _Session] = {}
        self._files: dict[str, Body] = {}

    def files(self) -> list[Body]:
        """Return the files that were uploaded and not deleted."""
        with self._lock:
            return list(self._files.values())

    def file(self, name: str) -> Body:
        """Return the file with this name. If it was not uploaded, return an invented file that can be downloaded."""
        with self._lock:
            return self._files.get(name) or file_body(name, downloadUri=f"{API}/{name}:download?alt=media")

    def forget(self, name: str) -> None:
        """Delete a file if it exists."""
        with self._lock:
            self._files.pop(name, None)

    def start(self, request: RecordedRequest, path: str) -> Answer:
        """Open a session for an upload to `path`. The answer contains the URL for its chunks."""
        with self._lock:
            number = next(self._numbers)
            self._sessions[f"session-{number}"] = _Session(number, path, request)
        url = f"{self._scheme}://{request.header('host')}{request.path}?upload_id=session-{number}"
        return reply({}, headers=(("X-Goog-Upload-URL", url), ("X-Goog-Upload-Status", "active")))

    def chunk(self, request: RecordedRequest) -> Answer | None:
        """Receive a chunk.

        The id of the session authorises it, not a key. None if the request belongs to no session.
        """
        _, mark, wanted = request.query.partition("upload_id=")
        if not mark:
            return None
        with self._lock:
            session = self._sessions.get(wanted)
            if session is None:
                return not_found(request.path)
            if int(request.header("x-goog-upload-offset") or 0) != session.size:
                return Answer(400, error_body(400, "The offset does not match.", "INVALID_ARGUMENT"))
            session.size += len(request.body)
            if "finalize" not in (request.header("x-goog-upload-command") or ""):
                return reply({}, headers=(("X-Goog-Upload-Status", "active"),))
            del self._sessions[wanted]
            return reply(self._finish(session), headers=(("X-Goog-Upload-Status", "final"),))

    def _finish(self, session: _Session) -> Body:
        if session.path == "files":
            made = session.file()
            self._files[made["name"]] = made
            return {"file": made}
        if session.path.startswith("environments/"):
            return {"files": [{"name": session.path.rpartition("/")[2], "size_bytes": session.size}]}
        name = f"{session.path.partition(':')[0]}/upload/operations/op-{session.number}"
        return {"name": name, "done": True, "response": {}}


class _Session:
    """An upload under way: its target, the request that started it, and the number of bytes received."""

    def __init__(self, number: int, path: str, request: RecordedRequest) -> None:
        self.number, self.path, self.size = number, path, 0
        self._request = request

    def file(self) -> Body:
        wanted: Body = body_of(self._request).get("file") or {}
        # Python's SDK uses the names of its own fields in this body. Other SDKs use the names of the API.
        shown = wanted.get("displayName") or wanted.get("display_name")
        mime_type = wanted.get("mimeType") or wanted.get("mime_type")
        return file_body(
            wanted.get("name") or f"files/uploaded-{self.number}",
            displayName=shown,
            mimeType=self._request.header("x-goog-upload-header-content-type") or mime_type,
            sizeBytes=str(self.size),
        )
