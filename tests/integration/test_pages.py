"""What single pages show, done: servers and workers, a notebook, a gateway, a store of one's own, logs and metrics."""

import ast
import asyncio
import importlib.util
import inspect
import io
import json
import multiprocessing
import os
import re
import subprocess
import sys
import types
import urllib.request
from pathlib import Path

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import Gauge, Histogram, InMemoryMetricReader, Sum
from pages import python_blocks, untitled
from servers import serving

from genai_credentials.events import Event
from genai_credentials.telemetry import OpenTelemetry
from genai_credentials.testing import RotatingCredentials
from stores import play

DOCS = Path(__file__).parents[2] / "docs"


def titled(page):
    return {title: text for title, text in python_blocks(DOCS / page) if title}


@pytest.fixture
def key(api, tmp_path, monkeypatch):
    """What `GENAI_CREDENTIALS` names, for an API that `GOOGLE_GEMINI_BASE_URL` names."""
    monkeypatch.chdir(tmp_path)
    with RotatingCredentials(api, tmp_path) as rotating:
        for name, value in rotating.environment.items():
            monkeypatch.setenv(name, value)
        yield rotating


# Servers and workers


def get(address, path="/"):
    host, port = address
    with urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=30) as answer:
        return answer.read().decode()


@pytest.mark.skipif(importlib.util.find_spec("gunicorn") is None, reason="gunicorn is not installed")
@pytest.mark.parametrize("preload", [["--preload"], []], ids=["preload", "no-preload"])
def test_the_wsgi_application_under_gunicorn_survives_rotations(key, api, tmp_path, preload):
    (tmp_path / "wsgi.py").write_text(titled("how-to/servers.md")["wsgi.py"])
    gunicorn = ["gunicorn", "--workers", "2", *preload, "--bind", "fd://FD", "wsgi:app"]
    with serving(tmp_path, *gunicorn) as address:
        for _ in range(3):
            assert [get(address) for _ in range(8)] == ["pong: ping"] * 8
            key.rotate()
        assert get(address) == "pong: ping"
    assert api.refused >= 1


@pytest.mark.skipif(importlib.util.find_spec("fastapi") is None, reason="fastapi is not installed")
def test_the_fastapi_application_survives_a_rotation(key, api, tmp_path):
    (tmp_path / "main.py").write_text(titled("how-to/servers.md")["main.py"])
    with serving(tmp_path, "uvicorn", "--fd", "FD", "--log-level", "warning", "main:app") as address:
        assert get(address, "/ask?prompt=one") == '"pong: one"'
        key.rotate()
        assert get(address, "/ask?prompt=two") == '"pong: two"'
    assert api.refused == 1


def stand_in(monkeypatch, name, **members):
    """A module that is not installed here, with no more than what a page takes from it."""
    module = types.ModuleType(name)
    vars(module).update(members)
    monkeypatch.setitem(sys.modules, name, module)


class App:
    """As much of FastAPI or Celery as a page uses: decorators that leave a function as it is."""

    def __init__(self, *args, **options):
        self.state = types.SimpleNamespace()

    def get(self, path):
        return lambda function: function

    def task(self, function):
        return function


def test_the_lifespan_of_the_page_opens_and_closes_everything(key, api, monkeypatch):
    stand_in(monkeypatch, "fastapi", FastAPI=App, Request=object)
    names = {}
    exec(titled("how-to/servers.md")["main.py"], names)
    app = names["app"]
    request = types.SimpleNamespace(app=app)

    async def live():
        async with names["lifespan"](app):
            first = await names["ask"]("one", request)
            key.rotate()
            return first, await names["ask"]("two", request)

    assert asyncio.run(live()) == ("pong: one", "pong: two")
    assert api.refused == 1


def test_a_task_in_a_forked_worker_uses_what_the_parent_has_built(key, api, monkeypatch):
    stand_in(monkeypatch, "celery", Celery=App)
    names = {}
    exec(titled("how-to/servers.md")["tasks.py"], names)
    # As the page says of a warm-up: one fetch for all.
    names["credentials"].get()
    fork = multiprocessing.get_context("fork")

    def work(pipe):
        # Past the interpreter's exit of pytest's own child.
        try:
            pipe.send(names["ask"]("one"))
            pipe.recv()
            pipe.send([names["ask"]("two"), names["credentials"].status().counters["fetches"]])
        finally:
            os._exit(0)

    pipes = []
    for _ in range(2):
        ours, theirs = fork.Pipe()
        fork.Process(target=work, args=(theirs,)).start()
        theirs.close()
        pipes.append(ours)
    assert [pipe.recv() for pipe in pipes] == ["pong: one"] * 2
    key.rotate()
    for pipe in pipes:
        pipe.send("go on")
    # Each child has fetched once, for the refusal; the first fetch was the parent's.
    assert [pipe.recv() for pipe in pipes] == [["pong: two", 2]] * 2
    assert api.connections == 2
    for child in multiprocessing.active_children():
        child.join(10)
    for closed in (*pipes, names["client"], names["credentials"]):
        closed.close()


# A notebook


def test_the_cells_of_the_notebook_run_in_a_loop_that_is_running(api, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", api.base_url)
    api.accept("AIza-in-the-file")
    (tmp_path / ".env").write_text("GEMINI_API_KEY=AIza-in-the-file\n")
    cells = titled("how-to/notebooks.md")
    names, shown = {}, []

    async def kernel():
        for title, text in cells.items():
            if "prompt" not in title:
                # As IPython does: what stands in the last line is shown, and may be awaited.
                tree = ast.parse(text)
                if isinstance(tree.body[-1], ast.Expr) and not isinstance(tree.body[-1].value, (ast.Call, ast.Await)):
                    tree.body[-1] = ast.parse("shown.append(_)").body[0]
                    tree.body.insert(-1, ast.parse(f"_ = {text.rstrip().splitlines()[-1]}").body[0])
                code = compile(tree, title, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
                result = eval(code, {**names, "shown": shown}, names)
                if inspect.isawaitable(result):
                    await result

    asyncio.run(kernel())
    assert shown == ["pong: ping", "pong: ping"]
    assert api.accepted == 2


def test_the_prompt_of_the_notebook_asks_once(api, monkeypatch):
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", api.base_url)
    api.accept("AIza-typed")
    asked = []
    monkeypatch.setattr("getpass.getpass", lambda prompt: asked.append(prompt) or "AIza-typed")
    names = {}
    exec(titled("how-to/notebooks.md")["Cell 1, with a prompt instead"], names)
    with names["credentials"], names["client"] as client:
        assert client.models.generate_content(model="gemini-2.5-flash", contents="ping").text == "pong: ping"
        names["credentials"].refresh()
    assert asked == ["Gemini API key: "]


# A gateway


def test_a_gateways_own_words_can_be_taken_for_a_refusal(api, monkeypatch):
    monkeypatch.setenv("GATEWAY_TOKEN", "token-1")
    build, ask, *_ = untitled(DOCS / "how-to/gateways.md")
    names = {}
    exec(build.replace("https://gateway.example", api.base_url) + ask, names)
    api.accept("token-1")
    assert names["ask"]("one").text == "pong: one"
    api.answer_next(403, {"error": {"message": "token disabled"}}, path="generateContent")
    api.accept("token-2")
    monkeypatch.setenv("GATEWAY_TOKEN", "token-2")
    assert names["ask"]("two").text == "pong: two"
    assert api.requests[-1].key == "token-2"
    api.answer_next(403, {"error": {"message": "no such model for this team"}}, path="generateContent")
    with pytest.raises(names["errors"].ClientError, match="no such model"):
        names["ask"]("three")
    names["client"].close()
    names["gateway"].close()


# A store of one's own


def test_the_provider_of_the_page_passes_the_suite_of_the_page(tmp_path):
    _, drawer, *_ = untitled(DOCS / "how-to/plug-in.md")
    (tmp_path / "drawer.py").write_text(drawer)
    (tmp_path / "test_drawer.py").write_text(titled("how-to/plug-in.md")["test_drawer.py"])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", ".", "."],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"^9 passed", done.stdout, re.M), done.stdout


def test_the_packages_own_files_are_shown_as_the_plug_in():
    shown = re.findall(r'^--8<-- "(.*)"$', (DOCS / "how-to/plug-in.md").read_text(), re.M)
    assert len(shown) == 2
    assert all((DOCS / path).is_file() for path in shown)


# Logs and metrics


def test_the_formatter_of_the_page_writes_what_the_page_shows(own_logger):
    names = {}
    (formatter, *_) = untitled(DOCS / "how-to/monitor.md")
    exec(formatter, names)
    names["handler"].setStream(written := io.StringIO())
    play(None)
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    told = [line["event"] for line in lines]
    assert told == ["rejected", "rotated", "link_broken", "fetch_failed", "served_stale", "recovered"]
    (shown,) = re.findall(r'^```text\n(\{"level".*?)^```$', (DOCS / "how-to/monitor.md").read_text(), re.M | re.S)
    assert list(lines[1]) == list(json.loads(shown))
    assert set(lines[3]) == {"level", "message", "event", "provider", "fingerprint", "seconds", "reason"}
    assert "key-" not in written.getvalue()


def test_the_metrics_of_the_page_are_those_that_are_sent():
    reader = InMemoryMetricReader()
    meters = MeterProvider([reader])
    telemetry = OpenTelemetry(meters)
    play(telemetry)
    telemetry(Event("notified", "store"))
    kinds = {Sum: "counter", Histogram: "histogram", Gauge: "gauge"}
    scopes = reader.get_metrics_data().resource_metrics[0].scope_metrics
    sent = {(metric.name, kinds[type(metric.data)], metric.unit) for metric in scopes[0].metrics}
    rows = re.findall(
        r"^\| `(genai_credentials\.\S+)` \| (\w+) \| (\w*) ?\|", (DOCS / "how-to/monitor.md").read_text(), re.M
    )
    assert set(rows) == sent
    meters.shutdown()


def test_both_listeners_of_the_page_are_told(monkeypatch, capsys):
    monkeypatch.setenv("GEMINI_API_KEY", "AIzaExample")
    names = {}
    for block in untitled(DOCS / "how-to/monitor.md")[1:]:
        exec(block, names)
        names["credentials"].close()
    play(names["listen"])
    assert capsys.readouterr().out == "fetch_failed: store store: down.\nserved_stale: store \n"
