"""What the page "One key per customer" shows, done: FastAPI, gunicorn that preloads, Celery, frameworks, a fork."""

import contextlib
import importlib.util
import json
import multiprocessing
import os
import runpy
import sys
import types
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from pages import python_blocks
from sdk_paths import MODEL
from servers import serving

from genai_credentials import AWSSecretsManager, CredentialProvider, File, NoTenant, Tenants
from genai_credentials.testing import FakeGemini

DOCS = Path(__file__).parents[2] / "docs"
PAGE = {title: text for title, text in python_blocks(DOCS / "how-to" / "tenants.md") if title}

# A file is a tenant's store here, so that nothing but the store differs from the page.
GEMINI = """
from pathlib import Path
from genai_credentials import CredentialProvider, File, Tenants

tenants = Tenants(lambda tenant: CredentialProvider(File(Path("keys") / tenant), min_refresh_interval=0.1))
clients = tenants.clients()
"""


def needs(*packages):
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    return pytest.mark.skipif(bool(missing), reason=f"{' and '.join(missing)} not installed")


class Shop:
    """Two tenants' key files, and the API that lets their keys in."""

    def __init__(self, api: FakeGemini, directory: Path) -> None:
        self.api, self.directory, self.numbers = api, directory, {"acme": 0, "globex": 0}
        (directory / "keys").mkdir()
        (directory / "gemini.py").write_text(GEMINI)
        for tenant in self.numbers:
            self.rotate(tenant)

    def rotate(self, tenant: str) -> None:
        self.numbers[tenant] += 1
        key = f"AIza-{tenant}-{self.numbers[tenant]}"
        new = self.directory / "keys" / f".{tenant}"
        new.touch(0o600)
        new.write_text(key)
        self.api.accept(key)
        new.replace(self.directory / "keys" / tenant)
        self.api.revoke(f"AIza-{tenant}-{self.numbers[tenant] - 1}")

    def tenants_at_the_api(self) -> set[str]:
        return {request.key.split("-")[1] for request in self.api.requests}


@pytest.fixture
def shop(api, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", api.base_url)
    yield Shop(api, tmp_path)
    for name in ("gemini", "tasks"):
        if (module := sys.modules.pop(name, None)) and name == "gemini":
            module.tenants.close()
            module.clients.close()


def get(address, path="/", tenant=None):
    headers = {"X-Tenant": tenant} if tenant else {}
    request = urllib.request.Request(f"http://{address[0]}:{address[1]}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, None


@needs("fastapi", "uvicorn")
def test_the_fastapi_application_serves_each_tenant_with_its_key_over_a_rotation(shop, api, tmp_path):
    (tmp_path / "main.py").write_text(PAGE["main.py"])
    with serving(tmp_path, "uvicorn", "--fd", "FD", "main:app") as address:
        for _ in range(2):
            with ThreadPoolExecutor(8) as pool:
                asked = [pool.submit(get, address, f"/ask?prompt={name}", name) for name in ("acme", "globex") * 8]
                assert {future.result() for future in asked} == {(200, "pong: acme"), (200, "pong: globex")}
            shop.rotate("acme")
        assert get(address, "/ask?prompt=x", "ghost") == (403, None)
        assert get(address, "/ask?prompt=x") == (422, None)
    for request in api.requests:
        assert request.key.split("-")[1] in request.body.decode()
    assert len([request for request in api.requests if request.status == 200]) == 32


USE = """
from contextlib import ExitStack
from typing import Annotated
from fastapi import Depends, FastAPI, Header
from gemini import tenants
from genai_credentials import NoTenant
from google import genai
from starlette.responses import JSONResponse

app = FastAPI()
client = genai.Client(vertexai=False, api_key="unused", http_options=tenants.http_options())

@app.exception_handler(NoTenant)
async def no_tenant(request, error):
    return JSONResponse("no tenant", 500)

DEF signed_in(tenant: Annotated[str, Header(alias="X-Tenant")]):
    with ExitStack() as stack:
        stack.enter_context(tenants.use(tenant))
        yield

@app.get("/ask", dependencies=[Depends(signed_in)])
async def ask(prompt: str):
    return (await client.aio.models.generate_content(model="gemini-2.5-flash", contents=prompt)).text

@app.get("/plain", dependencies=[Depends(signed_in)])
def plain(prompt: str):
    return client.models.generate_content(model="gemini-2.5-flash", contents=prompt).text
"""


@needs("fastapi", "uvicorn")
@pytest.mark.parametrize(("kind", "answer"), [("async def", (200, "pong: acme")), ("def", (500, None))])
def test_a_dependency_that_uses_a_tenant_is_async_and_one_that_is_not_raises(kind, answer, shop, api, tmp_path):
    (tmp_path / "main.py").write_text(USE.replace("DEF", kind))
    with serving(tmp_path, "uvicorn", "--fd", "FD", "main:app") as address:
        for path in ("/ask", "/plain"):
            assert get(address, f"{path}?prompt=acme", "acme") == answer
    assert shop.tenants_at_the_api() == ({"acme"} if kind == "async def" else set())


WSGI = """
import json, os
from gemini import clients, tenants

assert tenants["acme"]().startswith("AIza-acme")  # the parent has opened a tenant, and sent a request
clients["acme"].models.get(model="x")

def app(environ, start_response):
    tenant = environ["HTTP_X_TENANT"]
    text = clients[tenant].models.generate_content(model="gemini-2.5-flash", contents=tenant).text
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps([text, os.getpid()]).encode()]
"""


@needs("gunicorn")
def test_gunicorns_preloaded_workers_open_tenants_of_their_own(shop, api, tmp_path):
    (tmp_path / "wsgi.py").write_text(WSGI)
    gunicorn = ["gunicorn", "--preload", "--workers", "3", "--bind", "fd://FD", "wsgi:app"]
    seen = set()
    with serving(tmp_path, *gunicorn) as address, ThreadPoolExecutor(6) as pool:
        for _ in range(3):
            asked = [(name, pool.submit(get, address, "/", name)) for name in ("acme", "globex") * 15]
            for name, future in asked:
                status, (text, pid) = future.result()
                assert (status, text) == (200, f"pong: {name}")
                seen.add(pid)
            shop.rotate("acme")
            shop.rotate("globex")
    assert len(seen) > 1
    for request in api.requests[1:]:
        assert request.key.split("-")[1] in request.body.decode()


class App:
    """As much of Celery as the page uses, where it is not installed."""

    def __init__(self, *args, **options):
        self.conf = types.SimpleNamespace()

    def task(self, function):
        function.delay = lambda *args: types.SimpleNamespace(get=lambda: function(*args))
        return function


def test_the_celery_task_takes_the_tenants_name(shop, api, tmp_path, monkeypatch):
    if importlib.util.find_spec("celery") is None:
        monkeypatch.setitem(sys.modules, "celery", types.SimpleNamespace(Celery=App))
    names = runpy.run_path(
        str(write(tmp_path / "tasks.py", PAGE["tasks.py"].replace("redis://localhost", "memory://")))
    )
    names["app"].conf.task_always_eager = True
    for tenant in ("acme", "globex", "acme"):
        assert names["summarise"].delay(tenant, tenant).get() == f"pong: {tenant}"
        shop.rotate("acme")
    for request in api.requests:
        assert request.key.split("-")[1] in request.body.decode()


def write(path, text):
    path.write_text(text)
    return path


@needs("langchain_google_genai")
def test_langchain_per_tenant(shop, api):
    names = {}
    exec(PAGE["langchain.py"], names)
    shop.rotate("acme")
    assert [names["llm_of"](tenant).invoke(tenant).text for tenant in ("globex", "acme")] == [
        "pong: globex",
        "pong: acme",
    ]
    assert [request.key for request in api.requests] == ["AIza-acme-1", "AIza-globex-1", "AIza-acme-1", "AIza-acme-2"]


@needs("pydantic_ai")
@pytest.mark.filterwarnings("ignore")
def test_pydantic_ai_per_tenant(shop, api):
    names = {}
    exec(PAGE["pydantic_ai.py"], names)
    shop.rotate("acme")
    for tenant in ("globex", "acme"):
        assert names["agent"].run_sync(tenant, model=names["model_of"](tenant)).output == f"pong: {tenant}"
    assert [request.key for request in api.requests] == ["AIza-acme-1", "AIza-globex-1", "AIza-acme-1", "AIza-acme-2"]


def test_the_block_for_other_clients_follows_the_tenant_in_use(shop, api):
    names = {}
    exec(GEMINI, names)
    with names["tenants"], names["clients"]:
        exec(PAGE["framework.py"].replace("https://generativelanguage.googleapis.com", api.base_url), names)
    assert [request.key for request in api.requests] == ["AIza-acme-1"]


def test_the_block_of_the_store_is_a_function_that_tenants_share(at_emulator):
    names = {}
    exec(PAGE["store.py"], names)
    for tenant in ("acme", "other"):
        at_emulator.add(tenant, f"key-of-{tenant}")
    with Tenants(lambda tenant: CredentialProvider(AWSSecretsManager(tenant, client=names["store"]))) as tenants:
        assert [tenants[tenant].get().get_secret_value() for tenant in ("acme", "other")] == [
            "key-of-acme",
            "key-of-other",
        ]
    assert at_emulator.connections == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_each_child_of_a_fork_opens_its_own_and_a_lease_of_the_parents_does_no_harm(shop, api):
    fetched = multiprocessing.get_context("fork").SimpleQueue()

    def factory(tenant):
        fetched.put((os.getpid(), tenant))
        return CredentialProvider(File(Path("keys") / tenant))

    with Tenants(factory) as tenants, tenants.clients(http_options={"base_url": api.base_url}) as clients:
        stream = clients["acme"].models.generate_content_stream(model=MODEL, contents="acme")
        next(stream)
        clients["globex"].models.generate_content(model=MODEL, contents="globex")
        with ExitStack() as stack:
            stack.enter_context(tenants.use("acme"))
            process = multiprocessing.get_context("fork").Process(target=child, args=(tenants, clients, fetched))
            process.start()
        process.join(30)
        assert process.exitcode == 0
        list(stream)
    seen = []
    while not fetched.empty():
        seen.append(fetched.get())
    assert sorted(tenant for pid, tenant in seen if pid == process.pid) == ["acme", "globex"]
    assert sorted(tenant for pid, tenant in seen if pid == os.getpid()) == ["acme", "globex"]
    for request in api.requests:
        assert request.key.split("-")[1] in request.body.decode()


def child(tenants, clients, fetched):
    status = tenants.status()
    code = 1
    with contextlib.suppress(BaseException):
        assert (status.kept, status.fetches, status.opening) == (0, 0, 0)
        for tenant in ("acme", "globex", "acme"):
            assert clients[tenant].models.generate_content(model=MODEL, contents=tenant).text == f"pong: {tenant}"
        code = 0
    os._exit(code)


def test_an_error_without_a_tenant_is_one_of_ours():
    assert NoTenant.__module__ == "genai_credentials.errors"
