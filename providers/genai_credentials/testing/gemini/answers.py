"""The answers of the fake Gemini API, one small function each. The table in `routes` maps paths to functions.

Each answer depends only on the request. A prompt is answered with "pong: <prompt>". A requested resource has the
requested name. Only uploaded files are stored, because an upload takes several requests.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from genai_credentials.testing.gemini.call import API, WHEN, Body, Call, array, events, file_body, reply
from genai_credentials.testing.gemini.wire import Answer

PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
_BINARY = "application/octet-stream"

# Models


def prompt_of(body: Body) -> str:
    """Return the text of the last content in the body of a request."""
    contents = body.get("contents") or [body.get("content")]
    return text_of(contents[-1] if isinstance(contents, list) else contents)


def text_of(value: Any) -> str:
    """Return the text in a string, a part, a content, or a list of these."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(map(text_of, value))
    if not isinstance(value, dict):
        return ""
    return str(value.get("text") or text_of(value.get("content") or value.get("parts") or ""))


def tokens_in(text: str) -> int:
    """Return the number of tokens in a text. This fake counts words."""
    return len(text.split())


def usage_of(prompt: str, answer: str) -> Body:
    """Return the usage of a request, with all parts that clients add up."""
    asked, said = tokens_in(prompt), tokens_in(answer)
    return {
        "promptTokenCount": asked,
        "cachedContentTokenCount": 0,
        "candidatesTokenCount": said,
        "toolUsePromptTokenCount": 0,
        "thoughtsTokenCount": 0,
        "totalTokenCount": asked + said,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": asked}],
        "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": said}],
        "serviceTier": "standard",
    }


def _candidate(text: str, call: Call, said: str, finish: str | None = "STOP") -> Body:
    candidate: Body = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    answer = {"candidates": [candidate], "modelVersion": call.names[-1], "responseId": "response-1"}
    return answer | {"usageMetadata": usage_of(prompt_of(call.body), said)}


def generate(call: Call) -> Answer:
    text = f"pong: {prompt_of(call.body)}"
    return reply(_candidate(text, call, text))


def stream(call: Call) -> Answer:
    return (events if "alt=sse" in unquote(call.request.query).split("&") else array)(_chunks(call))


def _chunks(call: Call) -> Iterator[Body]:
    said = ""
    for text, finish in (("pong", None), (": ", None), (prompt_of(call.body), "STOP")):
        said += text
        yield _candidate(text, call, said, finish)


def embed(call: Call) -> Answer:
    return reply({"embedding": {"values": [float(len(prompt_of(call.body))), 1.0]}})


def embed_batch(call: Call) -> Answer:
    prompts = map(prompt_of, call.body.get("requests", ()))
    return reply({"embeddings": [{"values": [float(len(prompt)), 1.0]} for prompt in prompts]})


def count(call: Call) -> Answer:
    # Python's SDK sends the contents to count, other SDKs send a whole request.
    asked = tokens_in(prompt_of(call.body.get("generateContentRequest") or call.body))
    return reply({"totalTokens": asked, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": asked}]})


def predict(call: Call) -> Answer:
    return reply({"predictions": list(map(_prediction, call.body.get("instances", ())))})


def _prediction(instance: Body) -> Body:
    if "content" in instance:
        values = [float(len(instance["content"])), 1.0]
        return {"embeddings": {"values": values, "statistics": {"token_count": 1, "truncated": False}}}
    return {"bytesBase64Encoded": PIXEL, "mimeType": "image/png", "prompt": f"pong: {instance.get('prompt', '')}"}


def predict_later(call: Call) -> Answer:
    return reply({"name": f"{call.resource}/operations/op-1"})


def video(call: Call) -> Answer:
    made = {"uri": f"{API}/files/{call.names[-1]}:download?alt=media", "mimeType": "video/mp4"}
    return reply(
        {
            "name": call.resource,
            "done": True,
            "response": {"generateVideoResponse": {"generatedSamples": [{"video": made}]}},
        }
    )


def _model(name: str) -> Body:
    return {"name": name, "displayName": name.rpartition("/")[2], "supportedGenerationMethods": ["generateContent"]}


def model(call: Call) -> Answer:
    return reply(_model(call.resource))


def models(call: Call) -> Answer:
    names = [f"{call.path}/{name}" for name in ("gemini-2.5-flash", "gemini-2.5-pro")]
    # In express mode, the list of the publisher's models has another name than in the Developer API.
    kind = "publisherModels" if call.path.startswith("publishers/") else call.kind
    return reply({kind: list(map(_model, names))})


# Resources with a name


def resource(call: Call) -> Answer:
    return reply({"createTime": WHEN, "updateTime": WHEN, **call.body, "name": call.resource})


def create(call: Call) -> Answer:
    return reply({"createTime": WHEN, "updateTime": WHEN, "name": f"{call.path}/created", **call.body})


def listing(call: Call) -> Answer:
    return reply({call.kind: [{"name": f"{call.path}/{which}", "createTime": WHEN} for which in ("one", "two")]})


def empty(call: Call) -> Answer:
    return reply({})


def operation(call: Call) -> Answer:
    return reply({"name": call.resource, "done": True, "response": {}})


def begin(call: Call) -> Answer:
    return reply({"name": f"{call.resource}/operations/op-1"})


def media(call: Call) -> Answer:
    return Answer(200, f"bytes of {call.resource}".encode(), content_type=_BINARY)


def auth_token(call: Call) -> Answer:
    return reply({"name": "auth_tokens/created"})


# Batches and tunings


def _batch(name: str, state: str, **metadata: str) -> Body:
    return {"name": name, "metadata": {"name": name, "state": state, "createTime": WHEN, **metadata}}


def create_batch(call: Call) -> Answer:
    shown = call.body.get("batch", {}).get("displayName", "")
    return reply(_batch("batches/created", "BATCH_STATE_PENDING", model=call.resource, displayName=shown))


def batch(call: Call) -> Answer:
    return reply(_batch(call.resource, "BATCH_STATE_SUCCEEDED") | {"done": True})


def batches(call: Call) -> Answer:
    return reply({"operations": [_batch(f"batches/{which}", "BATCH_STATE_SUCCEEDED") for which in ("one", "two")]})


def tune(call: Call) -> Answer:
    return reply({"name": "tunedModels/created/operations/op-1", "metadata": {"tunedModel": "tunedModels/created"}})


def tuned(call: Call) -> Answer:
    return reply(_model(call.resource) | {"state": "ACTIVE", "createTime": WHEN, "updateTime": WHEN})


# Files


def files(call: Call) -> Answer:
    return reply({"files": call.uploads.files()})


def file(call: Call) -> Answer:
    return reply(call.uploads.file(call.resource))


def delete_file(call: Call) -> Answer:
    call.uploads.forget(call.resource)
    return reply({})


def register(call: Call) -> Answer:
    uris = enumerate(call.body.get("uris", ()), 1)
    return reply({"files": [file_body(f"files/registered-{number}", uri=uri) for number, uri in uris]})


# Resources of the generated client, which have an id instead of a name

_DEFAULTS: dict[str, Body] = {
    "triggers": {
        "schedule": "0 0 * * *",
        "time_zone": "UTC",
        "interaction": {"agent": "deep-research-pro-preview-12-2025", "input": "hello"},
    },
    "executions": {"trigger_id": "one"},
    "voices": {"type": "prompted"},
    "webhooks": {"uri": "https://example.com/hook", "subscribed_events": []},
}


def _item(kind: str, which: str) -> Body:
    return {**_DEFAULTS.get(kind, {}), "id": which}


def item(call: Call) -> Answer:
    return reply(_item(call.path.partition("/")[0], call.names[0]))


def create_item(call: Call) -> Answer:
    return reply(_item(call.kind, "created"))


def items(call: Call) -> Answer:
    kind = {"executions": "trigger_executions"}.get(call.kind, call.kind)
    return reply({kind: [_item(call.kind, which) for which in ("one", "two")]})


def signing_secret(call: Call) -> Answer:
    return reply({"secret": f"secret of {call.names[0]}"})


def environment_file(call: Call) -> Answer:
    if "alt=media" in call.request.query:
        return media(call)
    return reply({"files": [{"name": call.names[-1], "path": call.names[-1]}]})


def decide(call: Call) -> Answer:
    answer = {"type": "choice", "choice": "pong", "confidence": 1.0, "probabilities": {"pong": 1.0}}
    return reply({"answers": dict.fromkeys(call.body.get("questions", ()), answer)})
