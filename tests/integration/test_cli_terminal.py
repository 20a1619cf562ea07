"""The command on terminals: of any encoding and width, with and without colours; what takes long says so."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console
from rich.text import Text
from terminals import CommandOnTerminal, on_terminal

from genai_credentials.cli import terminal, waiting
from genai_credentials.cli.app import cli
from genai_credentials.cli.consoles import linked

# From 3.12 on, Python warns of a fork of a process with threads; the child calls exec at once.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

KEY = "AIzaSyOne-NeverToBeSeen_0123456789"
ENCODINGS = ["ascii", "latin-1", "cp1252"]
ODD = "schl\u00fcssel-\u2713\u2026-\u043a\u043b\u044e\u0447"
"""A name with characters that each of these encodings lacks, or has."""

LINES = {
    "alone": [],
    "help": ["--help"],
    "status": ["status", f"file:/nowhere/{ODD}", "env:"],
    "status --json": ["status", "--json", f"file:/nowhere/{ODD}"],
    "status --offline": ["status", "--offline", f"file:/nowhere/{ODD}"],
    "check": ["check", f"file:/nowhere/{ODD}"],
    "check --each": ["check", "--each", f"file:/nowhere/{ODD}", "env:NONE"],
    "doctor": ["doctor", "--offline", f"file:/nowhere/{ODD}"],
    "explain": ["explain", f"401 {ODD}"],
    "explain nothing": ["explain", ODD],
    "fingerprint": ["fingerprint", f"file:/nowhere/{ODD}"],
    "watch": ["watch", "--count", "2", "--interval", "0.05", f"file:/nowhere/{ODD}"],
    "watch --json": ["watch", "--json", "--count", "1", f"file:/nowhere/{ODD}"],
    "run": ["run", f"file:/nowhere/{ODD}", "--", "true"],
    "run no command": ["run", "--", ODD],
    "proxy": ["proxy", "--upstream", f"http://{ODD}"],
    "put": ["put", "--no-check", f"file:/nowhere/{ODD}"],
    "rotate": ["rotate", f"file:/nowhere/{ODD}"],
    "demo": ["demo", "--help"],
    "no such verb": [ODD],
    "no such option": ["status", f"--{ODD}"],
    "no such scheme": ["status", f"{ODD}:x"],
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("line", LINES)
def test_no_verb_stumbles_over_an_encoding(line: str, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if line == "run no command":
        monkeypatch.setenv("GEMINI_API_KEY", KEY)
    done = CliRunner(charset=encoding).invoke(cli, LINES[line], input=KEY)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code in (0, 1, 2, 3, 127)
    assert "Traceback" not in done.output
    shown = done.stdout_bytes + done.stderr_bytes
    assert shown.decode(encoding)
    if line in ("status", "check", "doctor", "watch", "run no command", "no such verb"):
        # Escaped, never lost: latin-1 has the umlaut.
        assert (b"schl\\xfcssel" if encoding == "ascii" else "schl\u00fcssel".encode(encoding)) in shown


def test_what_an_encoding_lacks_is_ascii_or_escaped() -> None:
    terminal.make_readable()
    text = "\u2713 \u2717 \u2026 \u25b8 schl\u00fcssel \u043a"
    assert text.encode("ascii", terminal.READABLE) == rb"+ x ... > schl\xfcssel \u043a"
    assert text.encode("latin-1", terminal.READABLE) == b"+ x ... > schl\xfcssel \\u043a"
    assert text.encode("utf-8", terminal.READABLE) == text.encode()
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("utf-8", terminal.READABLE)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_demo_plays_on_a_terminal_of_any_encoding(encoding: str) -> None:
    code, shown = on_terminal("demo", "--seconds", "1", PYTHONIOENCODING=encoding)
    assert code == 0
    assert b"Traceback" not in shown
    assert b"AWS Secrets Manager" in shown
    assert not re.search(rb"\\u[0-9a-f]{4}|\\x[0-9a-f]{2}", shown)


def test_the_live_screen_of_watch_plays_on_a_terminal_of_any_encoding() -> None:
    name = "a-long-name-" * 9
    code, shown = on_terminal(
        "watch", "--count", "2", "--interval", "0.1", f"file:/nowhere/{name}", PYTHONIOENCODING="ascii"
    )
    assert code == 1
    assert b"press Ctrl-C to end" in shown
    assert b"\\u2026" not in shown


@pytest.mark.parametrize(
    ("environ", "sign", "coloured"),
    [
        ({}, "\u2713".encode(), True),
        ({"PYTHONIOENCODING": "ascii"}, b"+ serving", True),
        ({"NO_COLOR": "1"}, "\u2713".encode(), False),
        ({"TERM": "dumb"}, b"* serving", False),
    ],
)
def test_a_glance_finds_who_serves(environ: dict[str, str], sign: bytes, coloured: bool) -> None:
    code, shown = on_terminal("status", "env:", "file:/nowhere/key", GEMINI_API_KEY=KEY, **environ)
    assert code == 0
    assert sign in shown
    assert (b"\x1b[1;32m" in shown) == coloured


def test_piped_there_are_no_signs_and_no_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    monkeypatch.setenv("FORCE_COLOR", "1")
    shown = CliRunner().invoke(cli, ["status"]).stdout
    assert "* serving       env" in shown
    assert "\x1b" not in shown
    assert shown.isascii()


@pytest.mark.parametrize("variable", ["0", "1", "9", "-3", "wide"])
@pytest.mark.parametrize("verb", ["status", "doctor"])
def test_a_width_that_none_has_is_no_traceback(verb: str, variable: str) -> None:
    options = ["--offline"] if verb == "doctor" else []
    code, shown = on_terminal(verb, "env:", *options, GEMINI_API_KEY=KEY, TERM="xterm-256color", COLUMNS=variable)
    assert code == 0
    assert b"Traceback" not in shown


@pytest.mark.parametrize(("columns", "variable"), [(44, None), (80, None), (160, None), (80, "50"), (80, "140")])
@pytest.mark.parametrize("term", ["xterm-256color", "dumb"])
def test_lines_are_as_wide_as_the_terminal(columns: int, variable: str | None, term: str) -> None:
    _, shown = on_terminal("status", columns=columns, TERM=term, COLUMNS=variable)
    width = int(variable or columns)
    lines = re.sub(rb"\x1b\[[\d;?]*[a-zA-Z]", b"", shown).decode().splitlines()
    longest = max(map(len, lines))
    assert longest <= width
    # The longest paragraph, of 88 with its indent, is broken no earlier than it has to be.
    assert longest > min(width - 20, 87)


@pytest.mark.parametrize(
    ("name", "address"),
    [
        (
            "google:projects/acme/secrets/gemini#api_key",
            "https://console.cloud.google.com/security/secret-manager/secret/gemini/versions?project=acme",
        ),
        (
            "aws:prod/gemini?region=eu-west-1",
            "https://eu-west-1.console.aws.amazon.com/secretsmanager/secret?name=prod%2Fgemini&region=eu-west-1",
        ),
        (
            "aws:arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/gemini-AbCdEf",
            "https://us-east-1.console.aws.amazon.com/secretsmanager/secret?name=prod%2Fgemini&region=us-east-1",
        ),
        ("aws:prod/gemini", None),
        ("google:projects/acme/locations/europe-west1/secrets/gemini", None),
        ("create one in Google AI Studio and store it.", "https://aistudio.google.com/apikey"),
        ("Google Cloud console > APIs & Services > Credentials", "https://console.cloud.google.com/apis/credentials"),
    ],
)
def test_a_name_leads_to_its_console(name: str, address: str | None) -> None:
    links = [span.style for span in linked(Text(name)).spans]
    assert links == ([f"link {address}"] if address else [])


@pytest.mark.parametrize(("environ", "linked"), [({}, True), ({"TERM": "dumb"}, False)])
def test_links_are_for_terminals_that_take_them(environ: dict[str, str], linked: bool) -> None:
    _, shown = on_terminal("status", "--offline", "google:projects/acme/secrets/gemini", **environ)
    assert (b"\x1b]8;" in shown) == linked
    assert b"google:projects/acme/secrets/gemini" in shown


# What takes long


def test_a_step_that_takes_long_says_so_with_its_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        command = CommandOnTerminal("check", "--timeout", "3", "--base-url", url, GEMINI_API_KEY=KEY)
        command.wait_for("Asking 127.0.0.1:")
        assert command.end() == 3
    assert re.search(rb"[|/\\-] +\d s  Asking 127\.0\.0\.1:", command.shown)
    assert b"Could not tell" in command.shown.rpartition(b"Asking")[2]


def test_a_quick_step_shows_nothing() -> None:
    spinner = waiting.Spinner("Asking", Console(force_terminal=True))
    spinner.start()
    spinner.stop()
    assert spinner._live is None


def test_a_spinner_is_one_line_whatever_the_width() -> None:
    spinner = waiting.Spinner("word " * 40, Console(width=30, record=True, force_terminal=True))
    (line,) = spinner._console.render_lines(spinner.picture())
    assert re.match(r"[|/\\-]   0 s  word", line[0].text)


def test_piped_nothing_spins() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        line = [sys.executable, "-m", "genai_credentials", "check", "--timeout", "1.5", "--base-url", url, "env:MINE"]
        done = subprocess.run(line, capture_output=True, timeout=120, env={**os.environ, "MINE": KEY}, check=False)
    assert done.returncode == 3
    assert b"Asking" not in done.stdout + done.stderr


# Ctrl-C


def test_ctrl_c_at_a_question_is_code_130(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("AIzaSyOld-NeverToBeSeen_0123456789")
    path.chmod(0o600)
    command = CommandOnTerminal("put", "--no-check", f"file:{path}")
    command.wait_for("Key for file:")
    command.type(f"{KEY}\n")
    command.wait_for("Replace it by")
    command.type("\x03")
    assert command.end() == 130
    assert "Old" in path.read_text()


@pytest.mark.parametrize("arguments", [["explain"], ["fingerprint"], ["put", "file:key"]])
def test_ctrl_c_while_something_is_typed_is_code_130(arguments: list[str]) -> None:
    command = CommandOnTerminal(*arguments)
    command.wait_for("Paste the error" if arguments == ["explain"] else "Key for ")
    command.type("\x03")
    assert command.end() == 130
    assert b"Traceback" not in command.shown


@pytest.mark.parametrize("verb", ["check", "doctor"])
def test_ctrl_c_while_something_is_asked_is_code_130(verb: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        line = [sys.executable, "-m", "genai_credentials", verb, "--timeout", "60", "--base-url", url, "env:MINE"]
        running = subprocess.Popen(line, stderr=subprocess.PIPE, env={**os.environ, "MINE": KEY})
        silent.settimeout(60)
        connection, _ = silent.accept()
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=60)
        connection.close()
    assert running.returncode == 130
    assert b"Traceback" not in errors


def test_ctrl_c_during_the_demo_is_code_130() -> None:
    command = CommandOnTerminal("demo", "--seconds", "60")
    command.wait_for("AWS Secrets Manager")
    time.sleep(0.5)
    command.type("\x03")
    assert command.end() == 130
    assert b"Traceback" not in command.shown
