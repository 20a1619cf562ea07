"""The example script of the documentation, on the emulators: each rotation revokes the old key at once."""

import importlib.util
from pathlib import Path

from genai_credentials.testing import FakeGemini, MotoServer, SecretManagerEmulator

SCRIPT = Path(__file__).parents[2] / "docs" / "examples" / "rotation.py"


def load():
    spec = importlib.util.spec_from_file_location("rotation", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_sync_async_and_streamed_calls_survive_the_rotation_of_each_store(monkeypatch, capsys):
    monkeypatch.setenv("GEMINI_API_KEY", "env-1")
    with FakeGemini("env-1") as api, SecretManagerEmulator() as google, MotoServer() as moto:
        secret = "projects/acme/secrets/gemini-api-key"
        google.add(secret, "google-1")
        moto.add("prod/gemini", "aws-1")

        def rotate(store):
            if store == "environment":
                api.accept("google-1")
                api.revoke("env-1")
            elif store == "google":
                google.add(secret, "google-2")
                api.accept("google-2")
                api.revoke("google-1")
            else:
                moto.add("prod/gemini", "aws-2")
                api.accept("aws-2")
                api.revoke("google-2")

        load().run(api.base_url, google.client, moto.client, rotate)
        assert [request.status for request in api.requests] == [200, 400, 200, 400, 200, 400, 200]
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("<")[0].split() for line in lines] == [
        ["sync:", "pong:", "ping"],
        ["sync:", "pong:", "ping"],
        ["async:", "pong:", "ping"],
        ["streamed:", "pong:", "ping"],
    ]
    assert "from env" in lines[0]
    assert "version 2" in lines[2]
    assert "from aws:prod/gemini" in lines[3]
