"""The answers on the paths for OpenAI's clients, /v1beta/openai."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator

from genai_credentials.testing.gemini.answers import PIXEL, text_of, tokens_in
from genai_credentials.testing.gemini.call import Body, Call, events, reply
from genai_credentials.testing.gemini.wire import Answer


def chat(call: Call) -> Answer:
    body = call.body
    prompt = text_of((body.get("messages") or [{}])[-1])
    base: Body = {"id": "chat-1", "created": 0, "model": body.get("model", "")}
    text = f"pong: {prompt}"
    if body.get("stream"):
        wants_usage = (body.get("stream_options") or {}).get("include_usage")
        return events(_chunks(base, prompt, _usage(prompt, text) if wants_usage else None), done=True)
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    return reply(base | {"object": "chat.completion", "choices": [choice], "usage": _usage(prompt, text)})


def _chunks(base: Body, prompt: str, usage: Body | None) -> Iterator[Body]:
    base = base | {"object": "chat.completion.chunk"}
    for text, finish in (("pong", None), (": ", None), (prompt, "stop")):
        choice = {"index": 0, "finish_reason": finish, "delta": {"role": "assistant", "content": text}}
        yield base | {"choices": [choice]}
    if usage is not None:
        yield base | {"choices": [], "usage": usage}


def _usage(prompt: str, text: str) -> Body:
    asked, said = tokens_in(prompt), tokens_in(text)
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


def embeddings(call: Call) -> Answer:
    body = call.body
    given = body.get("input", "")
    texts = list(map(text_of, given)) if isinstance(given, list) else [text_of(given)]
    asked = sum(map(tokens_in, texts))
    in_base64 = body.get("encoding_format") == "base64"
    rows = [_embedding(number, text, in_base64=in_base64) for number, text in enumerate(texts)]
    usage = {"prompt_tokens": asked, "total_tokens": asked}
    return reply({"object": "list", "data": rows, "model": body.get("model", ""), "usage": usage})


def _embedding(number: int, text: str, *, in_base64: bool) -> Body:
    values = [float(len(text)), 1.0]
    packed = base64.b64encode(struct.pack("<2f", *values)).decode()
    return {"object": "embedding", "index": number, "embedding": packed if in_base64 else values}


def images(call: Call) -> Answer:
    return reply({"created": 0, "data": [{"b64_json": PIXEL}] * int(call.body.get("n") or 1)})


def models(call: Call) -> Answer:
    return reply({"object": "list", "data": [_model("gemini-2.5-flash")]})


def model(call: Call) -> Answer:
    return reply(_model(call.names[0]))


def _model(name: str) -> Body:
    return {"id": f"models/{name.removeprefix('models/')}", "object": "model", "created": 0, "owned_by": "google"}
