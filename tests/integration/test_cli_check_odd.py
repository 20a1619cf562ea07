"""`genai-credentials check` where something else than the API answers: a portal, a proxy, a gateway."""

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from genai_credentials.cli.app import cli
from genai_credentials.testing import FakeGemini

LIVE = "AIzaSyLive-NeverToBeSeen_012345678"
PORTAL = "<html><title>Welcome</title>Authentication required: log in to use this network</html>"
HTML_401 = "<html><head><title>401 Authorization Required</title></head></html>"
ODD = {
    "a 403 page of a server's": (403, "<html><title>403 Forbidden</title></html>", "forbidden", 3),
    "a 403 page that quotes one of Google's reasons": (
        403,
        "<p>The body has API_KEY_INVALID in it</p>",
        "forbidden",
        3,
    ),
    "a 403 with escapes of a terminal": (403, "\x1b]0;owned\x07\x1b[31m[bold red]no[/]\u202e", "forbidden", 3),
    "a 401 without a body": (401, "", "gateway", 1),
    "a 401 page": (401, HTML_401, "gateway", 1),
    "a portal's page": (200, PORTAL, "no_models", 3),
    "a 200 without a body": (200, "", "no_models", 3),
    "a 204": (204, "", "no_models", 3),
    "models that are null": (200, '{"models": null}', "no_models", 3),
    "another API's list": (200, '{"object": "list", "data": [{"id": "gemini"}]}', "no_models", 3),
    "a 302 that goes nowhere": (302, "", "other_status", 3),
    "a portal that speaks HTTP": (511, PORTAL, "portal", 3),
    "a proxy that wants a login": (407, "", "proxy", 3),
    "a status nobody knows": (418, "teapot", "other_status", 3),
    "a 400 without a body": (400, "", "doubtful", 3),
    "a 500 page that speaks of a login": (500, PORTAL, "server", 3),
    "a 404 page": (404, "<html>404 page not found</html>", "not_found", 3),
}


@pytest.fixture
def api(fake_gemini: FakeGemini, monkeypatch: pytest.MonkeyPatch) -> FakeGemini:
    """An API that lets LIVE in, where a stock client finds it."""
    fake_gemini.accept(LIVE)
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", fake_gemini.base_url)
    monkeypatch.setenv("GEMINI_API_KEY", LIVE)
    return fake_gemini


@pytest.mark.parametrize("name", ODD)
def test_only_the_api_itself_says_that_a_key_is_live(name: str, api: FakeGemini) -> None:
    status, body, cause, code = ODD[name]
    api.answer_next(status, body, times=9)
    done = CliRunner().invoke(cli, ["check", "--json"])
    result = json.loads(done.stdout)
    (one,) = result["checks"]
    assert (one["cause"], done.exit_code) == (cause, code)
    assert one["verdict"] != "accepted"
    assert not any(word in done.stdout for word in ("genuine", "accepts the key", "key was accepted"))


@pytest.mark.parametrize("location", ["/v1beta/models?again=1", "https://login.invalid/start"])
def test_redirects_that_lead_to_no_list_of_models_prove_nothing(location: str, api: FakeGemini) -> None:
    api.redirect("/models", location, 302)
    done = CliRunner().invoke(cli, ["check", "--json"])
    (one,) = json.loads(done.stdout)["checks"]
    assert (one["verdict"], done.exit_code) == ("not_the_key", 3)
    assert one["cause"] in ("portal", "connection", "dns")


def test_a_portal_at_another_address_is_asked_without_the_key(api: FakeGemini) -> None:
    with FakeGemini(LIVE) as portal:
        portal.answer_next(200, PORTAL, times=9)
        api.redirect("/models", portal.base_url, 302)
        done = CliRunner().invoke(cli, ["check", "--json"])
        assert {request.key for request in portal.requests} == {None}
    (one,) = json.loads(done.stdout)["checks"]
    assert (one["cause"], done.exit_code) == ("no_models", 3)


@pytest.mark.parametrize("name", ["a 403 with escapes of a terminal", "a portal's page", "a 401 page"])
def test_nothing_of_an_answer_reaches_the_screen(name: str, api: FakeGemini) -> None:
    status, body, _, code = ODD[name]
    api.answer_next(status, body, times=9)
    program = "from genai_credentials.cli import main; main()"
    line = [sys.executable, "-c", program, "check"]
    environ = {**os.environ, "COLUMNS": "80"}
    done = subprocess.run(line, capture_output=True, text=True, timeout=120, env=environ, check=False)
    assert done.returncode == code
    shown = done.stdout + done.stderr
    assert not any(part in shown for part in ("\x1b", "\u202e", "owned", "Welcome", "bold red"))
    assert max(map(len, shown.splitlines())) <= 80
