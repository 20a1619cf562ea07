"""The answers of the fake Gemini API on the paths of Interactions."""

from __future__ import annotations

from collections.abc import Iterator

from genai_credentials.testing.gemini.answers import text_of, tokens_in
from genai_credentials.testing.gemini.call import WHEN, Body, Call, events, reply
from genai_credentials.testing.gemini.wire import Answer


def _interaction(which: str, model: str, prompt: str, text: str) -> Body:
    content = [{"type": "text", "text": text}]
    # The first SDKs with interactions read the outputs. Later SDKs read the steps.
    said = {"outputs": content, "steps": [{"type": "model_output", "content": content}]}
    stamps = {"created": WHEN, "updated": WHEN, "object": "interaction"}
    asked, answered = tokens_in(prompt), tokens_in(text)
    usage = {"total_input_tokens": asked, "total_output_tokens": answered, "total_tokens": asked + answered}
    return {"id": which, "status": "completed", "model": model, "usage": usage, **said, **stamps}


def create(call: Call) -> Answer:
    body = call.body
    prompt = text_of(body.get("input", ""))
    return _answer("created", body.get("model", ""), prompt, bool(body.get("stream")))


def get(call: Call) -> Answer:
    return _answer(call.names[0], "gemini-2.5-flash", call.names[0], "stream=true" in call.request.query)


def _answer(which: str, model: str, prompt: str, streaming: bool) -> Answer:
    whole = _interaction(which, model, prompt, f"pong: {prompt}")
    if not streaming:
        return reply(whole)
    return events(_events(whole, prompt), done=True)


def _events(whole: Body, prompt: str) -> Iterator[Body]:
    yield {
        "event_type": "interaction.created",
        "interaction": whole | {"outputs": [], "steps": [], "status": "in_progress"},
    }
    yield {"event_type": "step.start", "index": 0, "step": {"type": "model_output"}}
    for text in ("pong", ": ", prompt):
        yield {"event_type": "step.delta", "index": 0, "delta": {"type": "text", "text": text}}
    yield {"event_type": "step.stop", "index": 0}
    yield {"event_type": "interaction.completed", "interaction": whole}


def token(call: Call) -> Answer:
    return reply({"auth_token": f"auth_tokens/{call.names[0]}", "expires_at": WHEN})
