"""mem0 through a rotation: the two classes by which it reaches Gemini, which have no asynchronous side."""

import pytest
from google.genai.errors import ClientError

HI = [{"role": "user", "content": "hi"}]


def sync(shown):
    return shown.llm.generate_response(HI)


def test_survives_a_rotation(survives, shown):
    assert set(survives("sync", sync, shown)) == {"pong: hi"}


def test_embeddings_survive_a_rotation(survives, shown):
    vectors = survives("embeddings", lambda shown: shown.embedder.embed("hi", "search"), shown)
    assert {tuple(vector) for vector in vectors} == {(2.0, 1.0)}


@pytest.mark.usefixtures("shown")
def test_without_another_key_the_error_is_the_sdks(failure):
    assert isinstance(failure(sync), ClientError)
