"""The plug-in for pytest as a user has it: in a suite of their own, in a fresh directory and another process."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from google.genai.errors import ClientError
from pages import untitled

from genai_credentials import CredentialProvider
from genai_credentials.testing import REFUSALS, FakeGemini, RotatingCredentials

pytest_plugins = ["pytester"]

PAGE = Path(__file__).parents[2] / "docs/how-to/test.md"
# The SDK's own subclass of aiohttp's session.
WARNINGS = ("-W", "error", "-W", "ignore:Inheritance class AiohttpClientSession:DeprecationWarning")
MODEL = "gemini-2.5-flash"
REAL = "AIzaSyTheDevelopers-NeverToBeSeen_0123"


SERVICE = """
import sys
from genai_credentials import CredentialProvider

with CredentialProvider.from_environment().client() as client:
    for _ in range(2):
        print(client.models.generate_content(model=sys.argv[1], contents="hi").text, flush=True)
        input()
"""

AFTERWARDS = """
import os

BEFORE = dict(os.environ)

def test_afterwards_the_environment_is_as_before():
    assert {**os.environ, "PYTEST_CURRENT_TEST": ""} == {**BEFORE, "PYTEST_CURRENT_TEST": ""}
    assert BEFORE["NO_PROXY"] == "corp.example"
"""


def ask(client):
    return client.models.generate_content(model=MODEL, contents="hi").text


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider", *WARNINGS, *arguments)


def text_of(result: pytest.RunResult) -> str:
    return result.stdout.str() + result.stderr.str()


# Suites of a user's


def test_the_examples_of_the_page_pass_side_by_side_and_behind_a_proxy(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "corp.example")
    blocks = untitled(PAGE)
    pytester.makepyfile("\n".join([*blocks, AFTERWARDS]))
    result = run(pytester, "-n", "2")
    refusals = [row for row in REFUSALS.values() if row.verdict == "rejected"]
    tests = "\n".join(blocks).count("def test_")
    result.assert_outcomes(passed=tests - 1 + len(refusals) + 1)


def test_a_service_that_keeps_the_text_of_the_key_fails_and_no_real_key_is_shown(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.setenv(name, REAL)
    pytester.makepyfile(
        f"""
        import os
        from google import genai
        from genai_credentials import CredentialProvider

        def test_survives_a_rotation(rotating_credentials):
            key = CredentialProvider.from_environment()()
            with genai.Client(api_key=key) as client:
                for _ in range(2):
                    client.models.generate_content(model={MODEL!r}, contents="hi")
                    rotating_credentials.rotate()

        def test_the_environment_is_shown(rotating_credentials):
            assert os.environ == {{}}
        """
    )
    result = run(pytester, "-vv")
    result.assert_outcomes(failed=2)
    assert "ClientError: 400 INVALID_ARGUMENT" in text_of(result)
    assert REAL not in text_of(result)


def test_what_is_not_installed_is_named_with_its_extra(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("import sys; sys.modules['grpc'] = None")
    pytester.makepyfile(
        """
        def test_store(secret_manager): pass
        def test_others(rotating_credentials): rotating_credentials.rotate()
        """
    )
    result = run(pytester)
    result.assert_outcomes(passed=1, errors=1)
    # Of the traceback: where the variable CI is set, pytest's summary has the whole message once more.
    (line,) = [line for line in result.outlines if re.match("E +genai_credentials.errors.MissingDependency: ", line)]
    assert "The fixture secret_manager cannot start: " in line
    assert "pip install 'genai-credentials[google]'" in line


def test_left_out_on_the_command_line(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_nothing(rotating_credentials): pass")
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:genai_credentials")
    result.assert_outcomes(errors=1)
    assert "fixture 'rotating_credentials' not found" in text_of(result)


def test_no_proxy_for_any_host_stays_so(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    pytester.makepyfile(
        """
        import os
        from urllib.request import proxy_bypass_environment

        def test_bypass(fake_gemini):
            assert proxy_bypass_environment("corp.example")
            assert proxy_bypass_environment("127.0.0.1")
        """
    )
    run(pytester).assert_outcomes(passed=1)


def test_a_fixture_of_the_users_own_goes_first(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("import pytest\n@pytest.fixture\ndef fake_gemini(): return 'theirs'")
    pytester.makepyfile("def test_theirs(fake_gemini): assert fake_gemini == 'theirs'")
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_loading_it_imports_nothing_but_itself() -> None:
    script = (
        "import sys, pytest\nbefore = set(sys.modules)\n"
        "import genai_credentials.testing.pytest_plugin\nprint(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    package = "genai_credentials"
    assert done.stdout.split() == [package, f"{package}.testing", f"{package}.testing.pytest_plugin"]


# What the fixture hands out


def test_rotations_and_requests_are_counted(rotating_credentials: RotatingCredentials, fake_gemini: FakeGemini) -> None:
    rotating, client = rotating_credentials, rotating_credentials.client()
    assert (rotating.rotations, rotating.accepted, rotating.refused) == (0, 0, 0)
    assert [ask(client), ask(client)] == ["pong: hi"] * 2
    assert (rotating.rotations, rotating.accepted, rotating.refused) == (0, 2, 0)
    rotating.rotate("leaked")
    assert (rotating.rotations, rotating.accepted, rotating.refused) == (1, 0, 0)
    assert ask(client) == "pong: hi"
    assert (rotating.rotations, rotating.accepted, rotating.refused) == (1, 1, 1)
    assert [request.status for request in fake_gemini.requests] == [200, 200, 403, 200]
    assert fake_gemini.keys == {rotating.key}
    assert rotating.credentials.status().counters["replays"] == 1


def test_options_of_a_client_are_kept_but_its_address(rotating_credentials: RotatingCredentials) -> None:
    from google.genai import types

    elsewhere = "https://generativelanguage.googleapis.com"
    as_dict = {"base_url": elsewhere, "headers": {"x-team": "a"}}
    for http_options in (as_dict, types.HttpOptions(**as_dict)):
        assert ask(rotating_credentials.client(http_options=http_options, verify=True)) == "pong: hi"
    assert as_dict["base_url"] == elsewhere
    requests = rotating_credentials.api.requests
    assert len(requests) == 4
    assert {request.header("x-team") for request in requests} == {"a"}


@pytest.mark.parametrize("refusal", ["nonsense", "quota_429", "SERVICE_DISABLED"])
def test_a_key_is_revoked_only_by_what_revokes_one(rotating_credentials: RotatingCredentials, refusal: str) -> None:
    with pytest.raises(ValueError, match=f"'{refusal}' is no answer to a revoked key. Pass one of these: API_KEY"):
        rotating_credentials.rotate(refusal)
    assert rotating_credentials.rotations == 0
    assert ask(rotating_credentials.client()) == "pong: hi"


def test_a_process_of_its_own_follows_too(rotating_credentials: RotatingCredentials) -> None:
    line = [sys.executable, "-c", SERVICE, MODEL]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdin is not None
        assert service.stdout is not None
        answers = [service.stdout.readline()]
        rotating_credentials.rotate()
        service.stdin.write("\n")
        service.stdin.flush()
        answers.append(service.stdout.readline())
        service.communicate("\n", timeout=20)
    assert answers == ["pong: hi\n"] * 2
    assert (rotating_credentials.accepted, rotating_credentials.refused) == (1, 1)


def test_after_it_nothing_is_left(fake_gemini: FakeGemini, tmp_path: Path) -> None:
    with RotatingCredentials(fake_gemini, tmp_path) as rotating:
        client = rotating.client()
        ask(client)
        client.close()
        assert oct((tmp_path / "gemini-api-key").stat().st_mode)[-3:] == "600"
    rotating.close()
    assert client._api_client._httpx_client.is_closed
    assert rotating.credentials.status().fingerprint is None
    with pytest.raises(RuntimeError, match="closed"):
        ask(client)


def test_a_store_of_the_environment_is_read_asynchronously(rotating_credentials: RotatingCredentials) -> None:
    assert os.environ["GENAI_CREDENTIALS"] == rotating_credentials.environment["GENAI_CREDENTIALS"]

    async def main() -> list[str]:
        async with CredentialProvider.from_environment() as credentials:
            first = await credentials.aget()
            rotating_credentials.rotate()
            second = await credentials.areject(first)
            assert second is not None
            return [first.get_secret_value(), second.get_secret_value()]

    assert asyncio.run(main()) == ["AIzaRotating-1", "AIzaRotating-2"]


def test_a_client_that_does_not_follow_is_refused(rotating_credentials: RotatingCredentials) -> None:
    from google import genai

    with genai.Client(api_key=rotating_credentials.key, vertexai=False) as client:
        assert ask(client) == "pong: hi"
        rotating_credentials.rotate("rix_api_error")
        with pytest.raises(ClientError, match="Invalid Token"):
            ask(client)
    assert (rotating_credentials.accepted, rotating_credentials.refused) == (0, 1)
