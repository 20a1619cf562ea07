"""smolagents' model through a rotation."""

import json

import pytest
from openai import BadRequestError

HI = [{"role": "user", "content": "hi"}]
USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


@pytest.fixture(autouse=True)
def _counting_tokens(fake_gemini):
    """It wants to know what an answer used, in a stream too."""

    def answer(request):
        if request.key not in fake_gemini.keys:
            return
        whole = {"id": "1", "object": "chat.completion", "created": 1, "model": "gemini-2.5-flash", "usage": USAGE}
        said = {"role": "assistant", "content": "pong: hi"}
        choice = {"index": 0, "finish_reason": "stop"}
        if json.loads(request.body).get("stream"):
            text = f"data: {json.dumps({**whole, 'choices': [{**choice, 'delta': said}]})}\n\ndata: [DONE]\n\n"
            fake_gemini.answer_next(200, text, headers={"Content-Type": "text/event-stream"})
        else:
            fake_gemini.answer_next(200, {**whole, "choices": [{**choice, "message": said}]})

    fake_gemini.on_request = answer


def sync(shown):
    return shown.model(HI).content


def stream(shown):
    return "".join(delta.content or "" for delta in shown.model.generate_stream(HI))


CALLS = {"sync": sync, "stream": stream}


@pytest.mark.parametrize("kind", CALLS)
def test_survives_a_rotation(kind, survives, shown):
    assert set(survives(kind, CALLS[kind], shown)) == {"pong: hi"}


def test_without_another_key_the_error_is_that_of_the_client_below(failure):
    assert isinstance(failure(sync), BadRequestError)
