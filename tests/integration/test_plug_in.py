"""The example of a plug-in: built, installed as a distribution of its own, and used with the real keyring library."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "docs/examples/keyring-provider"
KEY = "AIzaSyKeyring-NeverToBeSeen_01234567"

CONFORMANCE = """
import os

import keyring
import keyring.backends.fail
import keyring.backends.null
import keyring.errors
import pytest
from genai_credentials.testing import ProviderConformance
from genai_credentials.uris import parse
from keyrings.alt.file import PlaintextKeyring

KEY = os.environ["THE_KEY"]


class Locked(PlaintextKeyring):
    priority = 1

    def get_password(self, service, user):
        raise keyring.errors.KeyringLocked(KEY)


class TestKeyring(ProviderConformance):
    backend = PlaintextKeyring
    absent = keyring.backends.fail.Keyring
    broken = PlaintextKeyring

    @pytest.fixture(autouse=True)
    def _filled(self, tmp_path):
        store = PlaintextKeyring()
        store.file_path = str(tmp_path / "keyring.cfg")
        store.set_password("gemini", "me", KEY)
        store.set_password("gemini", "two", KEY + chr(10) + KEY)
        self.store = store

    def use(self, backend):
        made = backend()
        made.file_path = self.store.file_path
        keyring.set_keyring(made)

    def expected_key(self):
        return KEY

    def make_provider(self):
        self.use(PlaintextKeyring)
        return parse("keyring:gemini/me")

    def make_absent(self):
        self.use(self.absent)
        return parse("keyring:gemini/me")

    def make_broken(self):
        self.use(self.broken)
        return parse("keyring:gemini/two")

    def test_round_trips(self):
        assert parse("keyring:gem%20ini/me").uri == "keyring:gem%20ini/me"


class TestKeyringWithoutAnEntry(TestKeyring):
    absent = keyring.backends.null.Keyring
    broken = Locked
"""

USE = """
import json, sys
import keyring
from keyrings.alt.file import PlaintextKeyring
from genai_credentials import CredentialProvider

store = PlaintextKeyring()
store.file_path = sys.argv[1]
keyring.set_keyring(store)
store.set_password("gemini", "me", sys.argv[2])
with CredentialProvider.from_uris("env:", "keyring:gemini/me") as credentials:
    key = credentials.get()
    print(json.dumps([key.get_secret_value() == sys.argv[2], key.provider, repr(key), credentials.status().state]))
    store.set_password("gemini", "me", sys.argv[2] + "-next")
    print(json.dumps(credentials.reject(key).get_secret_value() == sys.argv[2] + "-next"))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the plug-in, keyring and a backend of keyring's in a file are installed."""
    target = tmp_path_factory.mktemp("plug-in")
    # uv does in one second what takes pip ten.
    uv = shutil.which("uv")
    pip = [uv, "pip", "install", "--python", sys.executable] if uv else [sys.executable, "-m", "pip", "install"]
    # The example's own requirement genai-credentials is this very tree.
    for packages in (["keyring>=25", "keyrings.alt"], ["--no-deps", str(EXAMPLE)]):
        subprocess.run(
            [*pip, "--quiet", "--target", str(target), *packages], check=True, capture_output=True, timeout=120
        )
    return target


def run(installed: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    ours = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    environ = {**ours, "PYTHONPATH": str(installed), "THE_KEY": KEY, **environ}
    line = [sys.executable, *arguments]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, env=environ, check=False)


def test_a_uri_leads_to_the_plug_in_and_a_rotation_is_followed(installed: Path, tmp_path: Path) -> None:
    done = run(installed, "-W", "error", "-c", USE, str(tmp_path / "keyring.cfg"), KEY)
    assert done.stderr == ""
    first, rotated = map(json.loads, done.stdout.splitlines())
    assert first == [True, "keyring:gemini/me", f"<ApiKey {first[2].split()[1]} from keyring:gemini/me>", "FRESH"]
    assert rotated is True


def test_the_plug_in_passes_the_conformance_suite(installed: Path, tmp_path: Path) -> None:
    suite = tmp_path / "test_keyring.py"
    suite.write_text(CONFORMANCE)
    done = run(
        installed,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        "-c",
        os.devnull,
        str(suite),
    )
    assert done.returncode == 0, done.stdout
    assert "20 passed" in done.stdout
    assert "skipped" not in done.stdout


def test_the_command_knows_the_plug_in(installed: Path, tmp_path: Path) -> None:
    program = "from genai_credentials.cli import main; main()"
    null = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    done = run(installed, "-c", program, "status", "--json", "keyring:gemini/me", **null)
    (link,) = json.loads(done.stdout)["links"]
    assert (done.returncode, link["outcome"]) == (1, "absent")
    assert link["remedy"] == "Run: keyring set gemini me"
    wrong = run(installed, "-c", program, "status", "keyring:gemini", **null)
    assert wrong.returncode == 2
    assert "SERVICE/USER after keyring:" in wrong.stderr
    unknown = run(installed, "-c", program, "status", "vault:x", **null)
    assert "keyring" in unknown.stderr


def test_without_the_plug_in_its_scheme_is_unknown() -> None:
    from genai_credentials import ConfigurationError
    from genai_credentials.uris import parse

    with pytest.raises(ConfigurationError, match="scheme of this URI"):
        parse("keyring:gemini/me")


def test_the_example_is_small() -> None:
    (module,) = EXAMPLE.rglob("*.py")
    assert len(module.read_text().splitlines()) < 60
