"""`genai-credentials put`: a key that was made by hand is proven, stored and read back."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result
from terminals import CommandOnTerminal

from genai_credentials import AWSSecretsManager, File, GoogleSecretManager, PutUnsure, uris
from genai_credentials.cli.app import cli
from genai_credentials.testing import AWSEmulator, FakeGemini, SecretManagerEmulator

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/explanation/schemas/put.json").read_text())
OLD, LIVE = "AIzaSyOld-NeverToBeSeen_0123456789", "AIzaSyLive-NeverToBeSeen_012345678"
SECRET, PROGRAM = "projects/acme/secrets/gemini", "from genai_credentials.cli import main; main()"


@pytest.fixture
def api(fake_gemini: FakeGemini, monkeypatch: pytest.MonkeyPatch) -> FakeGemini:
    """An API that lets LIVE in, where the environment says."""
    fake_gemini.accept(LIVE)
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", fake_gemini.base_url)
    return fake_gemini


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text(f"{OLD}\n")
    path.chmod(0o600)
    return path


def invoke(*arguments: str, text: str | bytes = f"{LIVE}\n") -> Result:
    done = CliRunner().invoke(cli, ["put", *arguments], input=text)
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert not [key for key in (OLD, LIVE) if key in done.output]
    return done


def put(*arguments: str, text: str | bytes = f"{LIVE}\n") -> dict[str, Any]:
    done = invoke("--json", *arguments, text=text)
    result = json.loads(done.stdout)
    jsonschema.validate(result, SCHEMA)
    assert (result["exit_code"], done.stderr) == (done.exit_code, "")
    assert bool(result["error"]) == (done.exit_code != 0)
    return result


def words(*arguments: str) -> str:
    """What a person is shown, without its line breaks: a long path is wrapped."""
    return " ".join(invoke(*arguments).stdout.split())


# Stored


def test_a_live_key_is_proven_stored_and_read_back(api: FakeGemini, path: Path) -> None:
    before = File(path).fetch()
    result = put(f"file:{path}")
    assert (result["outcome"], result["check"], result["exit_code"]) == ("stored", "accepted", 0)
    assert path.read_text() == f"{LIVE}\n"
    after = File(path).fetch()
    assert (result["previous"], result["fingerprint"]) == (before.fingerprint, after.fingerprint)
    (request,) = api.requests
    assert (request.key, request.path.endswith("/models"), "key=" in (request.query or "")) == (LIVE, True, False)


def test_each_store_gets_a_version(
    api: FakeGemini, aws: AWSEmulator, secret_manager: SecretManagerEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    google = secret_manager.client()
    monkeypatch.setattr(
        uris, "GoogleSecretManager", lambda *where, transport=None: GoogleSecretManager(*where, client=google)
    )
    amazon = aws.client()
    monkeypatch.setattr(
        uris, "AWSSecretsManager", lambda *where, **how: AWSSecretsManager(*where, client=amazon, **how)
    )
    secret_manager.add(SECRET, OLD)
    aws.add("prod/gemini", json.dumps({"user": "me", "api_key": OLD}))
    assert put(f"google:{SECRET}")["version"] == "2"
    version = put("aws:prod/gemini#api_key")["version"]
    current = amazon.get_secret_value(SecretId="prod/gemini", VersionStage="AWSCURRENT")
    assert (current["VersionId"], json.loads(current["SecretString"])) == (version, {"user": "me", "api_key": LIVE})
    page = invoke(f"google:{SECRET}").stdout.splitlines()
    assert page[0] == f"Nothing to do, the key is there already: google:{SECRET}"
    assert page[1].endswith("a standard AIza key, version 2")
    amazon.close()


def test_the_key_that_is_there_makes_no_new_version(
    api: FakeGemini, secret_manager: SecretManagerEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = lambda *where, transport=None: GoogleSecretManager(*where, client=secret_manager.client)  # noqa: E731
    monkeypatch.setattr(uris, "GoogleSecretManager", make)
    secret_manager.add(SECRET, LIVE)
    result = put(f"google:{SECRET}")
    assert (result["outcome"], result["version"], result["exit_code"]) == ("unchanged", "1", 0)
    assert result["previous"] == result["fingerprint"]
    assert "AddSecretVersion" not in [method for method, _ in secret_manager.calls]


def test_a_new_env_file_is_made_and_all_else_in_one_stays(api: FakeGemini, tmp_path: Path) -> None:
    env = tmp_path / ".env"
    assert put(f"dotenv:{env}")["previous"] is None
    assert env.read_text() == f"GOOGLE_API_KEY={LIVE}\n"
    env.write_text(f"# mine\nexport GEMINI_API_KEY='{OLD}'\n")
    page = words(f"dotenv:{env}")
    assert page.startswith(f"Stored: dotenv:{env} key ")
    assert "It replaced the key" in page
    assert env.read_text() == f"# mine\nexport GEMINI_API_KEY='{LIVE}'\n"


def test_without_a_check_nobody_is_asked(api: FakeGemini, path: Path) -> None:
    api.revoke(LIVE)
    result = put("--no-check", f"file:{path}")
    assert (result["outcome"], result["check"]) == ("stored", "not_asked")
    assert api.requests == []
    assert "The API was not asked about the key." in words("--no-check", f"file:{path}")


@pytest.mark.parametrize("text", [f'"{LIVE}"', f"\ufeff {LIVE}\r\n", f"{LIVE}\r\n".encode("utf-16")])
def test_what_was_copied_along_comes_off(api: FakeGemini, path: Path, text: str | bytes) -> None:
    assert put(f"file:{path}", text=text)["outcome"] == "stored"
    assert path.read_text() == f"{LIVE}\n"


@pytest.mark.parametrize("cause", ["HTTP_REFERRER", "IP_ADDRESS"])
def test_a_key_that_is_for_other_places_is_live(api: FakeGemini, path: Path, cause: str) -> None:
    api.revoke(LIVE, refusal=f"API_KEY_{cause}_BLOCKED")
    result = put(f"file:{path}")
    assert (result["outcome"], result["check"], result["cause"]) == ("stored", "restricted", f"API_KEY_{cause}_BLOCKED")
    assert "its restrictions refuse this machine" in words(f"file:{path}")


# Nothing is stored


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("\n", "is empty"),
        ("YOUR_API_KEY\n", "is a placeholder"),
        (f"{OLD} {LIVE}", "the given value"),
        (f"Bearer {LIVE}", "Bearer"),
        (f'{{"api_key": "{LIVE}"}}', "the given value"),
        ("x" * 70_000, "characters; a key has at most 4096"),
        (b"\xff\xfe\xfd", "the given value"),
    ],
)
def test_what_cannot_be_a_key_is_refused_before_anyone_is_asked(
    api: FakeGemini, path: Path, text: str | bytes, said: str
) -> None:
    result = put(f"file:{path}", text=text)
    assert (result["outcome"], result["fingerprint"], result["exit_code"]) == ("refused", None, 1)
    assert said in result["error"]
    assert result["remedy"]
    assert path.read_text() == f"{OLD}\n"
    assert api.requests == []


@pytest.mark.parametrize(
    ("refusal", "check"),
    [("API_KEY_INVALID", "refused"), ("leaked", "refused"), ("SERVICE_DISABLED", "misconfigured")],
)
def test_a_key_that_the_api_does_not_take_is_not_stored(api: FakeGemini, path: Path, refusal: str, check: str) -> None:
    api.revoke(LIVE, refusal=refusal)
    result = put(f"file:{path}")
    assert (result["outcome"], result["check"], result["exit_code"]) == ("refused", check, 1)
    assert result["remedy"]
    assert path.read_text() == f"{OLD}\n"
    assert words(f"file:{path}").startswith(f"Nothing was stored: file:{path} key ")


@pytest.mark.parametrize("status", [429, 500, 503, 404])
def test_an_answer_that_judges_nothing_is_code_3(api: FakeGemini, path: Path, status: int) -> None:
    for _ in range(8):
        api.answer_next(status, '{"error": {"message": "x"}}')
    result = put(f"file:{path}")
    assert (result["outcome"], result["check"], result["exit_code"]) == ("not_proven", "unclear", 3)
    assert "--no-check" in result["remedy"]
    assert path.read_text() == f"{OLD}\n"


def test_no_answer_is_code_3(path: Path) -> None:
    result = put("--base-url", "http://127.0.0.1:1", f"file:{path}")
    assert (result["outcome"], result["check"], result["exit_code"]) == ("not_proven", "not_asked", 3)
    assert path.read_text() == f"{OLD}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["env:"], "no key can be put there"),
        (["google:projects/acme/secrets/gemini/versions/3"], "is pinned to a version"),
        (["aws:prod/gemini?stage=AWSPREVIOUS"], "is pinned to a version or a stage"),
        (["file:"], "at character 6"),
        ([LIVE], "starts with a scheme"),
        ([], "Missing argument"),
        (["--base-url", "http://192.0.2.1", "file:key"], "over plain http"),
        (["--base-url", "gateway", "file:key"], "is not a URL of http or https"),
        (["file:key", "file:key"], "unexpected extra argument"),
    ],
)
def test_a_wrong_use_is_code_2(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = invoke("--json", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr.replace("\n", " ")
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_refuses_is_code_1(api: FakeGemini, tmp_path: Path) -> None:
    result = put(f"file:{tmp_path}/none/key")
    assert (result["outcome"], result["check"], result["exit_code"]) == ("refused", "accepted", 1)
    document = tmp_path / "key.json"
    document.write_text(json.dumps({"api_key": OLD}))
    assert "a JSON document is there" in put(f"file:{document}")["error"]


def test_a_package_that_is_missing_is_code_2(api: FakeGemini, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dotenv", None)
    done = invoke("--json", f"dotenv:{path}")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "pip install 'genai-credentials[dotenv]'" in done.stderr


# What is not sure


class Odd:
    """A provider that stores keys, and does not serve what it stored; or gives no answer."""

    name = "odd"

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def fetch(self, rejected: Any = None) -> Any:
        return uris.parse("env:ODD").fetch()

    def put(self, key: Any) -> Any:
        if self.error:
            raise self.error
        return key


@pytest.mark.parametrize("error", [None, PutUnsure("odd: no answer in time.", remedy="Look.")])
def test_what_may_be_stored_is_not_said_to_be_unstored(
    api: FakeGemini, error: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ODD", OLD)
    monkeypatch.setitem(uris._SCHEMES, "odd", lambda uri: Odd(error))
    monkeypatch.setattr("genai_credentials.cli.put.PAUSES", (0.0,))
    result = put("odd:")
    assert (result["outcome"], result["exit_code"]) == ("unsure", 1)
    assert invoke("odd:").stdout.startswith("It is not sure which key is stored: odd\n")


# On a terminal


class Terminal(CommandOnTerminal):
    """`put` on a terminal of its own."""

    seconds = 30.0

    def __init__(self, *arguments: str) -> None:
        super().__init__("put", *arguments)


def test_a_key_is_asked_for_without_an_echo(api: FakeGemini, path: Path) -> None:
    terminal = Terminal(f"file:{path}")
    terminal.wait_for("Key for file:")
    terminal.type(f"{LIVE}\n")
    terminal.wait_for("Replace it by")
    assert path.read_text() == f"{OLD}\n"
    terminal.type("y\n")
    assert terminal.end() == 0
    assert b"Stored:" in terminal.shown
    assert LIVE.encode() not in terminal.shown
    assert path.read_text() == f"{LIVE}\n"


@pytest.mark.parametrize("answer", ["n\n", "\n", "\x03", "\x04"])
def test_a_person_who_does_not_agree_changes_nothing(api: FakeGemini, path: Path, answer: str) -> None:
    terminal = Terminal(f"file:{path}")
    terminal.wait_for("Key for file:")
    terminal.type(f"{LIVE}\n")
    terminal.wait_for("Replace it by")
    terminal.type(answer)
    assert terminal.end() == (130 if answer == "\x03" else 1)
    assert (b"Nothing was changed." in terminal.shown) == (answer != "\x03")
    assert path.read_text() == f"{OLD}\n"


@pytest.mark.parametrize("instead", ["\x03", "\x04"])
def test_a_person_who_gives_no_key_changes_nothing(path: Path, instead: str) -> None:
    terminal = Terminal(f"file:{path}")
    terminal.wait_for("Key for file:")
    terminal.type(instead)
    # 130 is the shell's own code for Ctrl-C.
    assert terminal.end() == (130 if instead == "\x03" else 1)
    assert path.read_text() == f"{OLD}\n"


def test_with_yes_a_person_is_asked_for_the_key_alone(api: FakeGemini, path: Path) -> None:
    terminal = Terminal("--yes", f"file:{path}")
    terminal.wait_for("Key for file:")
    terminal.type(f"{LIVE}\n")
    assert terminal.end() == 0
    assert b"Replace it by" not in terminal.shown
    assert path.read_text() == f"{LIVE}\n"


def test_a_closed_input_is_no_key(path: Path) -> None:
    line = f"{sys.executable} -c '{PROGRAM}' put file:{path} <&-"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no key to store" in done.stderr
