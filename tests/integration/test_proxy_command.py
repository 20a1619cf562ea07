"""The command: where it listens, the files it leaves, how it ends, and a command that runs behind it."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import jsonschema
import pytest
from running_proxy import COMMAND, RunningProxy, Script, answering, received, status_of

from genai_credentials.testing import FakeGemini

KEY = "AIzaExampleKey0001"
SCHEMA = Path(__file__).parents[2] / "docs/explanation/schemas/proxy.json"


@pytest.fixture(scope="module")
def api():
    with FakeGemini(KEY) as server:
        yield server


@pytest.fixture(autouse=True)
def key(monkeypatch, tmp_path):
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def run(*arguments, **options):
    """The command, until it ends."""
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=90, check=False, **options)


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


# At the start


def test_the_line_at_the_start_is_as_the_schema_has_it(api, tmp_path):
    with RunningProxy(tmp_path, "--upstream", f"{api.base_url}/path/") as proxy:
        jsonschema.validate(proxy.document, json.loads(SCHEMA.read_text()))
        assert proxy.document["upstream"] == f"{api.base_url}/path"
        assert proxy.document["pid"] == proxy.process.pid
        token_file = Path(proxy.document["token_file"])
        assert token_file == tmp_path / f"state/genai-credentials/proxy-{proxy.port}.token"
        assert (mode(token_file), mode(token_file.parent)) == (0o600, 0o700)
        proxy.process.terminate()
        assert proxy.process.stdout.read() == ""
        assert proxy.close() == 0
    assert not token_file.exists()


def test_without_json_people_are_told_where_it_listens(api, tmp_path):
    process = subprocess.Popen([*COMMAND, "--port", "0", "--upstream", api.base_url], stdout=subprocess.PIPE, text=True)
    with process:
        line = process.stdout.readline()
        process.terminate()
    assert line.startswith("Listening on http://127.0.0.1:")


@pytest.mark.parametrize("taken", ["127.0.0.1", "::1"])
def test_a_taken_port_is_a_misuse(taken):
    family = socket.AF_INET6 if ":" in taken else socket.AF_INET
    with socket.create_server((taken, 0), family=family) as other:
        done = run("--port", str(other.getsockname()[1]))
    assert (done.returncode, done.stdout) == (2, "")
    assert "is taken by another process" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--port", "1", "--unix", "socket"],
        ["--port", "70000"],
        ["--upstream", "ftp://example.com"],
        ["--upstream", "example.com"],
        ["--upstream", "http://example.com"],
        ["--upstream", "https://user:password@example.com"],
        ["--upstream", "https://example.com?a=b"],
        ["--upstream", ""],
        ["--unix", "socket", "--", "true"],
        ["--host", "0.0.0.0"],
        ["nonsense:"],
        ["--"],
    ],
)
def test_what_cannot_work_is_a_misuse(arguments, tmp_path):
    done = run(*(["--port", "0"] if not {"--port", "--unix"} & {*arguments} else []), *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert "password" not in done.stderr


def test_a_unix_socket_is_only_its_owners_and_any_host_may_be_named(api, tmp_path):
    path = tmp_path / "socket"
    with RunningProxy(tmp_path, "--unix", str(path), "--upstream", api.base_url) as proxy:
        assert (proxy.document["url"], proxy.document["unix"]) == (None, str(path))
        assert mode(path) == 0o600
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(path))
            head = "GET /v1beta/models HTTP/1.1\r\nHost: any\r\nConnection: close\r\n"
            sock.sendall(f"{head}x-goog-api-key: {proxy.token}\r\n\r\n".encode())
            sock.shutdown(socket.SHUT_WR)
            assert status_of(received(sock)) == 200
        assert run("--unix", str(path)).returncode == 2
        assert path.exists()
        assert proxy.close() == 0
    assert not path.exists()


def test_a_socket_that_a_crash_left_is_replaced_and_any_other_file_is_not(api, tmp_path):
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with RunningProxy(tmp_path, "--unix", str(path), "--upstream", api.base_url):
        pass
    path.write_text("mine")
    assert run("--unix", str(path)).returncode == 2
    assert path.read_text() == "mine"


# The token file


def test_a_token_file_is_made_if_missing_and_used_again(api, tmp_path):
    path = tmp_path / "token"
    tokens = []
    for _ in range(2):
        with RunningProxy(tmp_path, "--token-file", str(path), "--upstream", api.base_url) as proxy:
            assert status_of(proxy.request("GET /v1beta/models")) == 200
            tokens.append(proxy.token)
        assert mode(path) == 0o600
    assert tokens[0] == tokens[1]
    assert len(tokens[0]) >= 16


@pytest.mark.parametrize(
    ("text", "permissions"),
    [("x" * 32, 0o644), ("x" * 32, 0o640), ("x" * 32, 0o400), ("x" * 15, 0o600), ("", 0o600), ("x x" * 10, 0o600)],
)
def test_a_token_file_that_others_read_or_that_holds_no_token_is_a_misuse(text, permissions, tmp_path):
    path = tmp_path / "token"
    path.write_text(text)
    path.chmod(permissions)
    done = run("--port", "0", "--token-file", str(path))
    assert (done.returncode, done.stdout) == (2, "")
    assert not text or text not in done.stderr


@pytest.mark.parametrize("make", [lambda path: path.mkdir(mode=0o600), lambda path: os.mkfifo(path, 0o600)])
def test_a_token_file_that_is_no_file_is_a_misuse(make, tmp_path):
    make(tmp_path / "token")
    assert run("--port", "0", "--token-file", str(tmp_path / "token")).returncode == 2
    assert run("--port", "0", "--token-file", str(tmp_path / "missing/token")).returncode == 2


# At the end


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_running_request_ends_before_the_proxy_does_and_no_other_begins(number, tmp_path):
    go, asked = threading.Event(), threading.Event()

    def serve(sock):
        script.head(sock)
        asked.set()
        go.wait(10)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")

    with Script(serve) as script, RunningProxy(tmp_path, "--upstream", script.url) as proxy:
        idle = socket.create_connection(("127.0.0.1", proxy.port), 5)
        running = socket.create_connection(("127.0.0.1", proxy.port), 5)
        with idle, running:
            running.sendall(f"GET /x HTTP/1.1\r\nHost: localhost\r\nx-goog-api-key: {proxy.token}\r\n\r\n".encode())
            assert asked.wait(5)
            proxy.process.send_signal(number)
            assert idle.recv(1) == b""
            with pytest.raises(OSError):  # noqa: PT011 - refused or reset
                socket.create_connection(("127.0.0.1", proxy.port), 1).close()
            go.set()
            answer = received(running, 5)
            assert answer.endswith(b"\r\n\r\nlate")
            assert b"\r\nConnection: close\r\n" in answer
        assert proxy.process.wait(5) == 0


def test_a_second_signal_ends_at_once(tmp_path):
    with (
        Script(lambda sock: (script.head(sock), time.sleep(30))) as script,
        RunningProxy(tmp_path, "--upstream", script.url) as proxy,
        socket.create_connection(("127.0.0.1", proxy.port), 5) as sock,
    ):
        sock.sendall(f"GET /x HTTP/1.1\r\nHost: localhost\r\nx-goog-api-key: {proxy.token}\r\n\r\n".encode())
        while not script.seen:
            time.sleep(0.01)
        proxy.process.terminate()
        time.sleep(0.3)
        assert proxy.process.poll() is None
        begun = time.monotonic()
        proxy.process.terminate()
        proxy.process.wait(10)
        assert time.monotonic() - begun < 4


# A command


def behind(api, code, *arguments, **environ):
    """A Python program that runs behind the proxy."""
    command = [sys.executable, "-c", code, *arguments]
    return run("--upstream", api.base_url, "--", *command, env={**os.environ, **environ})


def test_a_command_gets_the_proxy_and_no_key(api, tmp_path):
    code = "import json, os; print(json.dumps(dict(os.environ)))"
    variables = {
        "GOOGLE_API_KEY": KEY,
        "GENAI_CREDENTIALS": "env:OTHER,GOOGLE_API_KEY",
        "OTHER": KEY,
        "NO_PROXY": "a.example",
    }
    done = behind(api, code, **variables)
    assert done.returncode == 0, done.stderr
    environ = json.loads(done.stdout)
    assert KEY not in done.stdout
    assert environ["GOOGLE_GEMINI_BASE_URL"].startswith("http://127.0.0.1:")
    assert len(environ["GEMINI_API_KEY"]) >= 16
    assert not {"GOOGLE_API_KEY", "GENAI_CREDENTIALS", "OTHER"} & {*environ}
    assert environ["NO_PROXY"] == environ["no_proxy"] == "a.example,127.0.0.1,localhost,::1"
    assert not list((tmp_path / "state").rglob("*.token"))


def test_a_command_with_a_stock_client_is_served(api):
    code = "from google import genai; client = genai.Client(); "
    code += "print(client.models.generate_content(model='m', contents='hi').text)"
    done = behind(api, code, HTTP_PROXY="http://127.0.0.1:1", http_proxy="http://127.0.0.1:1")
    assert done.stdout == "pong: hi\n", done.stderr
    assert "/models/m:generateContent 200 " in done.stderr


def test_the_commands_exit_code_passes(api):
    assert behind(api, "raise SystemExit(7)").returncode == 7
    assert behind(api, "import os; os.kill(os.getpid(), 9)").returncode == 137


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("no-such-command-anywhere", 127, "no-such-command-anywhere: there is no such command on the PATH."),
        ("/etc/passwd", 126, "/etc/passwd: the command cannot be executed (PermissionError)."),
        (KEY, 127, "COMMAND: there is no such command on the PATH."),
    ],
)
def test_a_command_that_cannot_be_started_is_named(command, code, said):
    done = run("--", command)
    assert done.returncode == code
    assert said in done.stderr
    assert KEY not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals_pass_to_the_command(number, tmp_path):
    handler = f"signal.signal({int(number)}, lambda *_: sys.exit(5))"
    code = f"import signal, sys; {handler}; print('up', flush=True); signal.pause()"
    with answering(b"") as script:
        process = subprocess.Popen(
            [*COMMAND, "--upstream", script.url, "--", sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        with process:
            assert process.stdout.readline() == "up\n"
            process.send_signal(number)
            assert process.wait(10) == 5
