"""mem0 through a rotation: the model and the embedder of a memory, which have no asynchronous side."""

import pytest
from google.genai.errors import ClientError

HI = [{"role": "user", "content": "hi"}]


@pytest.fixture(autouse=True)
def _at_home(tmp_path, monkeypatch):
    """It keeps its memories there, and tells nobody of itself."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MEM0_DIR", str(tmp_path))
    monkeypatch.setenv("MEM0_TELEMETRY", "False")


def sync(shown):
    return shown.memory.llm.generate_response(HI)


def test_survives_a_rotation(survives, shown):
    assert set(survives("sync", sync, shown)) == {"pong: hi"}


def test_embeddings_survive_a_rotation(survives, shown):
    vectors = survives("embeddings", lambda shown: shown.memory.embedding_model.embed("hi", "search"), shown)
    assert {tuple(vector) for vector in vectors} == {(2.0, 1.0)}


def test_without_another_key_the_error_is_the_sdks(failure):
    assert isinstance(failure(sync), ClientError)
