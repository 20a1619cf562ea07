"""Other people's clients through the proxy over rotations under load: none of their requests is lost."""

import asyncio
import json
import os
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest
from google import genai
from running_proxy import RunningProxy

from genai_credentials.testing import RotatingCredentials

# PROXY_TEST_ROTATIONS=20 is the run that the page tells of.
ROTATIONS = int(os.environ.get("PROXY_TEST_ROTATIONS", "5"))
LOAD, LIVE = Path(__file__).parent / "proxy_load.mjs", Path(__file__).parent / "proxy_live.mjs"


@pytest.fixture
def rotating(api, tmp_path):
    with RotatingCredentials(api, tmp_path) as credentials:
        yield credentials


@pytest.fixture
def proxy(api, rotating, tmp_path):
    with RunningProxy(tmp_path, "--upstream", api.base_url, **rotating.environment) as running:
        yield running


@pytest.fixture(scope="module")
def javascript(tmp_path_factory):
    """A directory in which node finds @google/genai: PROXY_TEST_NODE_MODULES says where it is installed."""
    modules = os.environ.get("PROXY_TEST_NODE_MODULES", "")
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    if not Path(modules, "@google/genai").is_dir():
        pytest.skip("PROXY_TEST_NODE_MODULES names no directory with @google/genai: npm install @google/genai")
    path = tmp_path_factory.mktemp("javascript")
    (path / "node_modules").symlink_to(Path(modules).resolve())
    for script in (LOAD, LIVE):
        shutil.copy(script, path)
    return path


def environment(proxy):
    return {**os.environ, "GEMINI_API_KEY": proxy.token, "GOOGLE_GEMINI_BASE_URL": proxy.url}


def rotate_under_load(rotating):
    for _ in range(ROTATIONS):
        time.sleep(0.4)
        rotating.rotate()
    time.sleep(0.4)


def test_the_javascript_sdk_loses_nothing(javascript, proxy, api, rotating, tmp_path):
    stop = tmp_path / "stop"
    command = ["node", str(javascript / LOAD.name), str(stop), "4"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment(proxy)) as process:
        api.wait_for_requests(4, 30)
        rotate_under_load(rotating)
        stop.touch()
        counts = json.loads(process.communicate(timeout=60)[0])
    assert counts["errors"] == []
    assert counts["sent"] > 4 * ROTATIONS
    assert rotating.accepted > 0
    assert api.refused >= ROTATIONS


def test_the_javascript_sdks_live_talks_over_a_rotation(javascript, proxy, rotating):
    for _ in range(2):
        command = ["node", str(javascript / LIVE.name)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment(proxy), timeout=60, check=False)
        assert json.loads(done.stdout) == {"text": "pong: ping"}, done.stderr
        rotating.rotate()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_loses_nothing(proxy, api, rotating):
    lost, over = [], threading.Event()
    body = json.dumps({"contents": [{"parts": [{"text": "hi"}]}]})
    command = ["curl", "-sSf", "-m", "30", "-H", f"x-goog-api-key: {proxy.token}", "-d", body]
    command.append(f"{proxy.url}/v1beta/models/m:generateContent")

    def ask():
        while not over.is_set():
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if "pong: hi" not in done.stdout:
                lost.append(done.stderr)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    rotate_under_load(rotating)
    over.set()
    for thread in threads:
        thread.join()
    assert lost == []
    assert rotating.accepted > 0


def test_the_stock_python_client_loses_nothing_on_either_side(proxy, api, rotating):
    options = {"base_url": proxy.url}

    async def ask(client, over, counts):
        while not over.is_set():
            answer = await client.aio.models.generate_content(model="m", contents="hi")
            text = ""
            async for chunk in await client.aio.models.generate_content_stream(model="m", contents="hi"):
                text += chunk.text or ""
            counts.append((answer.text, text))

    async def main(client):
        over, counts = asyncio.Event(), []
        asking = [asyncio.create_task(ask(client, over, counts)) for _ in range(4)]
        await asyncio.to_thread(rotate_under_load, rotating)
        over.set()
        await asyncio.gather(*asking)
        await client.aio.aclose()
        return counts

    with genai.Client(api_key=proxy.token, http_options=options) as client:
        counts = asyncio.run(main(client))
    assert set(counts) == {("pong: hi", "pong: hi")}
    assert len(counts) > ROTATIONS
