"""What is published: the sdist and the wheel, built from this tree, looked into and used where nothing else is.

It takes the dependency group dev and a package index, so it is no part of the default run: `pytest tests/packaging`.
"""

import email
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Mapping
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "providers/genai_credentials"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
STEM = f"genai_credentials-{PROJECT['version']}"
INFO = f"{STEM}.dist-info"
# uv does in a second what takes pip ten.
UV = shutil.which("uv")

BARE = """
import importlib, sys, tempfile
from genai_credentials import AWSSecretsManager, CredentialProvider, Dotenv, Env, GoogleSecretManager, MissingDependency

with CredentialProvider(Env(environ={"GEMINI_API_KEY": "AIzaExample"})) as credentials:
    print("served", credentials.get().fingerprint)
for name in ("genai_credentials", "genai_credentials.testing"):
    module = importlib.import_module(name)
    print("names", all(getattr(module, public) is not None for public in module.__all__))

from genai_credentials.telemetry import OpenTelemetry
from genai_credentials.testing import FakeGemini, RotatingCredentials

lone = {
    "google": GoogleSecretManager("projects/acme/secrets/gemini", transport="grpc").fetch,
    "aws": AWSSecretsManager("prod/gemini").fetch,
    "dotenv": Dotenv(sys.argv[0]).fetch,
    "otel": OpenTelemetry,
}
for extra, use in lone.items():
    try:
        use()
    except MissingDependency as error:
        print("missing", extra, f"pip install 'genai-credentials[{extra}]'" in str(error))

with tempfile.TemporaryDirectory() as directory, FakeGemini() as api, RotatingCredentials(api, directory) as rotating:
    client = rotating.client()
    for _ in range(2):
        print("answered", client.models.generate_content(model="gemini-2.5-flash", contents="hi").text)
        rotating.rotate()
"""


def run(*line: str | Path, cwd: Path = ROOT, environ: Mapping[str, str] | None = None) -> str:
    ours = {name: value for name, value in os.environ.items() if name not in ("PYTEST_ADDOPTS", "PYTHONPATH")}
    environ = {**ours, **(environ or {})}
    done = subprocess.run(
        list(map(str, line)), cwd=cwd, env=environ, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(target: Path, *options: str) -> Path:
    installer = ["--installer", "uv"] if UV else []
    run(sys.executable, "-m", "build", *installer, *options, "--outdir", target, ROOT)
    return target


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the sdist is, and the wheel that was built from it."""
    return build(tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return built / f"{STEM}-py3-none-any.whl"


@pytest.fixture(scope="module")
def sdist(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the sdist is unpacked."""
    target = tmp_path_factory.mktemp("sdist")
    with tarfile.open(built / f"{STEM}.tar.gz") as archive:
        archive.extractall(target, filter="data")
    return target / STEM


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment that has the wheel and what it requires, no extra."""
    target = tmp_path_factory.mktemp("bare")
    if UV:
        run(UV, "venv", "--quiet", "--python", sys.executable, target)
        run(UV, "pip", "install", "--quiet", "--python", target / "bin/python", wheel)
    else:
        run(sys.executable, "-m", "venv", target)
        run(target / "bin/python", "-m", "pip", "install", "--quiet", wheel)
    return target / "bin"


# What is in them


def files(directory: Path) -> set[Path]:
    found = (path.relative_to(directory) for path in directory.rglob("*") if path.is_file())
    return {path for path in found if "__pycache__" not in path.parts}


def content(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_description_can_be_shown_on_an_index(built: Path) -> None:
    run(sys.executable, "-m", "twine", "check", "--strict", *built.iterdir())


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    package = {f"genai_credentials/{path}": (PACKAGE / path).read_bytes() for path in files(PACKAGE)}
    held = content(wheel)
    assert {name for name in held if not name.startswith(f"{INFO}/")} == package.keys()
    assert {name: held[name] for name in package} == package
    assert {Path(name).suffix for name in package} == {".py", ".typed"}
    about = {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}
    assert {name for name in held if name.startswith(f"{INFO}/")} == {f"{INFO}/{name}" for name in about}
    assert held[f"{INFO}/licenses/LICENSE"] == (ROOT / "LICENSE").read_bytes()


def test_the_wheel_says_what_the_project_says(wheel: Path) -> None:
    held = content(wheel)
    metadata = email.message_from_bytes(held[f"{INFO}/METADATA"])
    required = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert {re.match(r"[\w-]+", line)[0] for line in required} == {"google-genai", "cachetools"}
    assert set(metadata.get_all("Provides-Extra", [])) == set(PROJECT["optional-dependencies"])
    assert (metadata["Requires-Python"], metadata["License-Expression"]) == (">=3.11", "Apache-2.0")
    points = ConfigParser()
    points.read_string(held[f"{INFO}/entry_points.txt"].decode())
    said = {"console_scripts": PROJECT["scripts"], **PROJECT["entry-points"]}
    assert {group: dict(points[group]) for group in points.sections()} == said


def test_the_tree_makes_the_wheel_that_the_sdist_makes(wheel: Path, tmp_path: Path) -> None:
    (other,) = build(tmp_path, "--wheel").iterdir()
    assert content(other) == content(wheel)
    assert (other.name, other.read_bytes()) == (wheel.name, wheel.read_bytes())


def test_the_description_names_no_address_and_no_file_that_is_not_there(wheel: Path) -> None:
    metadata = email.message_from_bytes(content(wheel)[f"{INFO}/METADATA"])
    assert metadata.get_all("Project-URL") is None
    description = str(metadata.get_payload())
    links = re.findall(r"\]\(([^)]*)\)", description)
    assert [link for link in links if not link.startswith("https://")] == []
    assert description.startswith("# genai-credentials\n")


# What they do


def test_the_sdist_has_its_tests_and_they_run(sdist: Path) -> None:
    for directory in ("providers", "tests", "docs"):
        assert files(sdist / directory) == files(ROOT / directory)
    assert {path.name for path in sdist.iterdir() if path.is_file()} == {
        *("LICENSE", "README.md", "PKG-INFO", "mkdocs.yml", "pyproject.toml", ".gitignore")
    }
    environ = {"PYTHONPATH": str(sdist / "providers"), "PYTHONDONTWRITEBYTECODE": "1"}
    line = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/unit")
    assert " passed" in run(*line, cwd=sdist, environ=environ)


def test_without_extras_it_serves_and_each_that_is_missing_is_named(bare: Path, tmp_path: Path) -> None:
    script = tmp_path / "bare.py"
    script.write_text(BARE)
    said = run(bare / "python", "-W", "error", script, cwd=tmp_path)
    assert said.splitlines() == [
        "served f6f4944b",
        "names True",
        "names True",
        *(f"missing {extra} True" for extra in ("google", "aws", "dotenv", "otel")),
        "answered pong: hi",
        "answered pong: hi",
    ]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree, as a clone has it."""
    target = tmp_path_factory.mktemp("clone") / "genai-credentials"
    ignored = shutil.ignore_patterns(
        ".git", ".venv*", "build", "dist", ".*_cache", "__pycache__", ".nox", ".hypothesis"
    )
    shutil.copytree(ROOT, target, ignore=ignored)
    return target


def test_what_installs_it_today_works_and_so_does_the_remedy_of_an_error(checkout: Path, tmp_path: Path) -> None:
    """The first line of the page on installing, as it is; then one that an error names: no index is asked for us."""
    line = re.search(r"^pip install .*$", (ROOT / "docs/install.md").read_text(), re.MULTILINE)
    assert line is not None
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    activate = f". {tmp_path / 'venv'}/bin/activate"
    run("sh", "-ec", f"{activate}; {line[0]}", cwd=checkout)
    said = run("sh", "-ec", f"{activate}; genai-credentials --version; python -m genai_credentials -V", cwd=tmp_path)
    assert said.splitlines() == [f"genai-credentials {PROJECT['version']}"] * 2
    remedy = "pip install 'genai-credentials[demo]'"
    run("sh", "-ec", f"{activate}; {remedy} -q; python -c 'import moto'", cwd=tmp_path)


def test_without_extras_the_command_says_what_it_needs(bare: Path) -> None:
    done = subprocess.run([bare / "genai-credentials", "--help"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr
        == "The command genai-credentials needs the package click. Run: pip install 'genai-credentials[cli]'\n"
    )
