"""`Env`, `Dotenv` and `File`: absent, broken and served, with nothing but this machine."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genai_credentials import (
    ApiKey,
    ConfigurationError,
    CredentialsError,
    Dotenv,
    Env,
    FetchFailed,
    File,
    InvalidSecret,
    MissingDependency,
    Unavailable,
)
from genai_credentials.testing.conformance import everything_in

FIRST, SECOND = "AIza-first-secret", "AIza-second-secret"
MALFORMED = [
    f"{FIRST} {SECOND}",
    f"Bearer {FIRST}",
    f"{FIRST}\u00e9",
    "YOUR_API_KEY",
    f'{{"api_key": "{FIRST}"}}',
    "   ",
]


def failure(call: Callable[[], object], kind: type[CredentialsError], name: str) -> CredentialsError:
    """The error of a fetch, which must name the provider and a remedy, and hold no key."""
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.message.startswith((f"{name}: ", name, "GOOGLE_API_KEY"))
    assert caught.value.remedy
    shown = everything_in(caught.value)
    assert FIRST not in shown
    assert SECOND not in shown
    return caught.value


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


class TestEnv:
    def test_google_outranks_gemini_as_in_the_sdk(self) -> None:
        environ = {"GEMINI_API_KEY": SECOND, "GOOGLE_API_KEY": FIRST}
        assert Env(environ=environ).fetch().get_secret_value() == FIRST

    def test_names_are_asked_in_order(self) -> None:
        env = Env("B", "A", environ={"A": FIRST, "B": SECOND})
        key = env.fetch()
        assert (env.name, key.get_secret_value(), key.provider, key.version) == ("env:B,A", SECOND, "env:B,A", None)

    def test_an_empty_variable_counts_as_unset(self) -> None:
        assert Env(environ={"GOOGLE_API_KEY": "", "GEMINI_API_KEY": FIRST}).fetch().get_secret_value() == FIRST

    def test_the_process_environment_is_read_at_each_fetch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        env = Env()
        failure(env.fetch, Unavailable, "env")
        for text in (FIRST, SECOND):
            monkeypatch.setenv("GEMINI_API_KEY", text)
            assert env.fetch().get_secret_value() == text

    @pytest.mark.parametrize("environ", [{}, {"GOOGLE_API_KEY": ""}, {"OTHER": FIRST}])
    def test_absent_when_nothing_is_set(self, environ: dict[str, str]) -> None:
        error = failure(Env(environ=environ).fetch, Unavailable, "env")
        assert "GOOGLE_API_KEY and GEMINI_API_KEY are unset" in str(error)

    def test_a_single_name_is_written_in_the_singular(self) -> None:
        error = failure(Env("MY_KEY", environ={}).fetch, Unavailable, "MY_KEY")
        assert "MY_KEY is unset" in str(error)

    @pytest.mark.parametrize("text", MALFORMED)
    def test_broken_when_what_is_set_is_no_key(self, text: str) -> None:
        failure(Env(environ={"GOOGLE_API_KEY": text, "GEMINI_API_KEY": SECOND}).fetch, InvalidSecret, "env")

    def test_a_rejected_key_gives_way_to_the_next_variable(self) -> None:
        env = Env(environ={"GOOGLE_API_KEY": FIRST, "GEMINI_API_KEY": SECOND})
        first = env.fetch()
        second = env.fetch(first)
        assert second.get_secret_value() == SECOND
        assert env.fetch(second).get_secret_value() == FIRST

    def test_the_rejected_key_again_means_nothing_newer(self) -> None:
        env = Env(environ={"GEMINI_API_KEY": FIRST})
        assert env.fetch(ApiKey(FIRST, provider="file:k")).get_secret_value() == FIRST

    @pytest.mark.parametrize("name", ["", "A=B", "A B", "A\n", "A\0", 7, None])
    def test_a_name_that_is_none_is_refused_at_construction(self, name: Any) -> None:
        for make in (lambda: Env(name), lambda: Dotenv(".env", name)):
            with pytest.raises(ConfigurationError, match="not the name of an environment variable"):
                make()

    def test_quotes_are_warned_of_once_for_each_key(self, caplog: pytest.LogCaptureFixture) -> None:
        environ = {"GOOGLE_API_KEY": f'"{FIRST}"'}
        env = Env(environ=environ)
        assert {env.fetch().get_secret_value() for _ in range(3)} == {FIRST}
        environ["GOOGLE_API_KEY"] = f"'{SECOND}'"
        env.fetch()
        assert ["quotes" in line and line.startswith("env: ") for line in warnings_in(caplog)] == [True, True]
        assert FIRST not in caplog.text

    def test_shows_its_name(self) -> None:
        assert repr(Env()) == "<Env env>"


@pytest.fixture
def dotenv_file(tmp_path: Path) -> Path:
    return tmp_path / "settings.env"


class TestDotenv:
    @pytest.mark.parametrize(
        "line",
        [
            "GEMINI_API_KEY={}",
            'export GEMINI_API_KEY="{}"  # comment',
            "\ufeffGEMINI_API_KEY={}",
            "GEMINI_API_KEY='{}'\r\n",
            "GOOGLE_API_KEY=\nGEMINI_API_KEY = {}",
        ],
    )
    def test_reads_what_a_shell_would(self, dotenv_file: Path, line: str, caplog: pytest.LogCaptureFixture) -> None:
        dotenv_file.write_text(line.format(FIRST), encoding="utf-8")
        key = Dotenv(dotenv_file).fetch()
        assert (key.get_secret_value(), key.provider) == (FIRST, f"dotenv:{dotenv_file}")
        assert warnings_in(caplog) == []

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
    def test_reads_what_powershell_writes(self, dotenv_file: Path, encoding: str) -> None:
        mark = "\ufeff" if encoding.endswith("e") else ""
        dotenv_file.write_bytes(f"{mark}GEMINI_API_KEY={FIRST}\r\n".encode(encoding))
        assert Dotenv(dotenv_file).fetch().get_secret_value() == FIRST

    def test_other_variables_of_a_file_are_another_link(self, dotenv_file: Path) -> None:
        names = [Dotenv(dotenv_file, *names).name for names in ((), ("A",), ("B",), ("A", "B"))]
        assert names == [f"dotenv:{dotenv_file}{field}" for field in ("", "#A", "#B", "#A,B")]

    def test_is_read_at_each_fetch_and_never_writes_the_environment(self, dotenv_file: Path) -> None:
        provider, before = Dotenv(str(dotenv_file), "A", "B"), dict(os.environ)
        for a, b in ((FIRST, SECOND), (SECOND, FIRST)):
            dotenv_file.write_text(f"A={a}\nB={b}\n")
            key = provider.fetch()
            assert (key.get_secret_value(), provider.fetch(key).get_secret_value()) == (a, b)
        assert dict(os.environ) == before

    def test_the_process_environment_is_not_its_file(self, dotenv_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GEMINI_API_KEY", SECOND)
        dotenv_file.write_text("OTHER=1\nGOOGLE_API_KEY\n")
        error = failure(Dotenv(dotenv_file).fetch, Unavailable, "dotenv")
        assert str(dotenv_file) in str(error)

    @pytest.mark.parametrize("path", ["no-such-file", "settings.env/below-a-file"])
    def test_absent_without_a_file(self, dotenv_file: Path, path: str) -> None:
        dotenv_file.write_text(f"GEMINI_API_KEY={FIRST}")
        failure(Dotenv(dotenv_file.parent / path).fetch, Unavailable, "dotenv")

    def test_the_default_is_the_working_directorys(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / ".env").write_text(f"GOOGLE_API_KEY={FIRST}")
        assert Dotenv().fetch().get_secret_value() == FIRST

    def test_broken_when_it_is_a_directory(self, tmp_path: Path) -> None:
        assert "IsADirectoryError" in str(failure(Dotenv(tmp_path).fetch, FetchFailed, "dotenv"))

    def test_broken_when_it_is_no_text(self, dotenv_file: Path) -> None:
        dotenv_file.write_bytes(f"GEMINI_API_KEY={FIRST}".encode() + b"\xff\xfe")
        failure(Dotenv(dotenv_file).fetch, FetchFailed, "dotenv")

    def test_broken_when_it_has_no_end(self) -> None:
        assert "over 1,048,576 bytes" in str(failure(Dotenv("/dev/zero").fetch, FetchFailed, "dotenv"))

    def test_broken_when_the_value_is_no_key(self, dotenv_file: Path) -> None:
        dotenv_file.write_text(f'GEMINI_API_KEY="{FIRST} {SECOND}"')
        failure(Dotenv(dotenv_file).fetch, InvalidSecret, "dotenv")

    def test_a_missing_package_is_broken_and_names_the_extra(
        self, dotenv_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "dotenv", None)
        dotenv_file.write_text(f"GEMINI_API_KEY={FIRST}")
        with pytest.raises(MissingDependency) as caught:
            Dotenv(dotenv_file).fetch()
        assert caught.value.remedy == "pip install 'genai-credentials[dotenv]'"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text(FIRST)
    path.chmod(0o600)
    return path


class TestFile:
    @pytest.mark.parametrize("content", [FIRST, f"{FIRST}\n", f"\ufeff{FIRST}\r\n"])
    def test_serves_what_is_in_it(self, key_file: Path, content: str) -> None:
        key_file.write_text(content, encoding="utf-8")
        key = File(key_file).fetch()
        assert (key.get_secret_value(), key.provider, key.version) == (FIRST, f"file:{key_file}", None)

    @pytest.mark.parametrize("ending", ["\n", "\r\n"])
    def test_a_final_line_break_is_no_fault(
        self, key_file: Path, caplog: pytest.LogCaptureFixture, ending: str
    ) -> None:
        key_file.write_bytes(f"{FIRST}{ending}".encode())
        assert File(key_file).fetch().notes == ()
        assert warnings_in(caplog) == []

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
    def test_reads_what_powershell_writes(self, key_file: Path, encoding: str) -> None:
        mark = "\ufeff" if encoding.endswith("e") else ""
        for text, field in ((FIRST, None), (f'{{"google": {{"api_key": "{FIRST}"}}}}', "/google/api_key")):
            key_file.write_bytes(f"{mark}{text}\r\n".encode(encoding))
            assert File(key_file, field).fetch().get_secret_value() == FIRST

    @pytest.mark.parametrize("content", [b"\xff\xfeA", b"\xfe\xff\xd8\x00", FIRST.encode("utf-16-le")])
    def test_broken_when_it_is_half_of_utf_16(self, key_file: Path, content: bytes) -> None:
        key_file.write_bytes(content)
        failure(File(key_file).fetch, InvalidSecret, f"file:{key_file}")

    @pytest.mark.parametrize("field", ["/a~2b", "/~", "/a/~x", 7, b"/a"])
    def test_a_field_that_is_no_name_and_no_pointer_is_refused_at_construction(self, field: Any) -> None:
        with pytest.raises(ConfigurationError) as caught:
            File("key.json", field)
        assert caught.value.remedy

    def test_serves_a_field_of_a_json_object(self, key_file: Path) -> None:
        key_file.write_text(f'\ufeff{{"user": "me", "api_key": "{FIRST}"}}', encoding="utf-8")
        provider = File(str(key_file), "api_key")
        assert (provider.name, provider.fetch().get_secret_value()) == (f"file:{key_file}#api_key", FIRST)

    @pytest.mark.parametrize("path", ["no-such-file", "key/below-a-file"])
    def test_absent_without_a_file(self, key_file: Path, path: str) -> None:
        failure(File(key_file.parent / path).fetch, Unavailable, "file")

    @pytest.mark.parametrize("content", [*MALFORMED, "", "\n"])
    def test_broken_when_it_holds_no_key(self, key_file: Path, content: str) -> None:
        key_file.write_text(content, encoding="utf-8")
        failure(File(key_file).fetch, InvalidSecret, f"file:{key_file}")

    @pytest.mark.parametrize("tail", [b"\xff\xfe", b"\x00", b"x" * 5_000, b"x" * 65_536])
    def test_broken_when_it_is_binary_or_too_long(self, key_file: Path, tail: bytes) -> None:
        key_file.write_bytes(FIRST.encode() + tail)
        failure(File(key_file).fetch, InvalidSecret, f"file:{key_file}")

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (f'{{"user": "{SECOND}", "apikey": "{FIRST}"}}', "its fields are: apikey, user"),
            (f'{{"api_key": {{"value": "{FIRST}"}}}}', "has dict, not text"),
            (f'{{"api_key": "{FIRST}"', "JSON object"),
            (FIRST, "JSON object"),
        ],
    )
    def test_a_wrong_field_names_the_fields_and_never_the_values(self, key_file: Path, content: str, said: str) -> None:
        key_file.write_text(content)
        error = failure(File(key_file, field="api_key").fetch, InvalidSecret, f"file:{key_file}#api_key")
        assert said in str(error)

    def test_broken_when_it_is_a_directory(self, tmp_path: Path) -> None:
        assert "IsADirectoryError" in str(failure(File(tmp_path).fetch, FetchFailed, "file"))

    @pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="no file here that opens and cannot be read")
    def test_broken_when_reading_fails(self) -> None:
        assert "Input/output error" in str(failure(File("/proc/self/mem").fetch, FetchFailed, "file"))

    @pytest.mark.skipif(not os.path.exists("/bin/sh") or os.geteuid() != 0, reason="takes root, to become nobody")
    def test_broken_and_not_absent_when_it_may_not_be_read(self, key_file: Path) -> None:
        """Root may read anything, so another user has to try."""
        code = (
            "import os, sys; from genai_credentials import File; p = File(sys.argv[1]); os.setuid(65534)\n"
            "try: p.fetch()\nexcept Exception as e: print(type(e).__name__, e)"
        )
        run = subprocess.run([sys.executable, "-c", code, str(key_file)], capture_output=True, text=True, check=True)
        assert run.stdout.startswith(f"FetchFailed file:{key_file}: cannot be read (PermissionError")

    def test_the_swap_of_a_kubernetes_secret_is_followed(self, tmp_path: Path) -> None:
        """The kubelet writes a new directory and renames a symlink onto `..data`."""

        def publish(text: str, stamp: str) -> None:
            (tmp_path / stamp).mkdir()
            (tmp_path / stamp / "api-key").write_text(text)
            (tmp_path / "..data_tmp").symlink_to(stamp)
            os.replace(tmp_path / "..data_tmp", tmp_path / "..data")

        publish(FIRST, "..2026_01_01")
        (tmp_path / "api-key").symlink_to("..data/api-key")
        provider = File(tmp_path / "api-key")
        first = provider.fetch()
        publish(SECOND, "..2026_01_02")
        assert (first.get_secret_value(), provider.fetch(first).get_secret_value()) == (FIRST, SECOND)

    def test_a_file_that_everyone_may_read_is_warned_of_once(
        self, key_file: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        provider = File(key_file)
        provider.fetch()
        assert warnings_in(caplog) == []
        key_file.chmod(0o644)
        for _ in range(3):
            provider.fetch()
        assert ["chmod" in line and str(key_file) in line for line in warnings_in(caplog)] == [True]

    def test_quotes_are_warned_of_once_for_each_key(self, key_file: Path, caplog: pytest.LogCaptureFixture) -> None:
        key_file.write_text(f'"{FIRST}"\n')
        provider = File(key_file)
        assert {provider.fetch().get_secret_value() for _ in range(3)} == {FIRST}
        assert ["surrounding white space and quotes" in line or "quotes" in line for line in warnings_in(caplog)] == [
            True
        ]
        assert FIRST not in caplog.text
