"""The house: which room may know which, how large one may be, and what an import costs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import genai_credentials

ROOT = Path(genai_credentials.__file__).parent

# From the bottom up: a module imports only modules above it in this list.
ORDER = [
    "errors",
    "key",
    "provider",
    "rejection",
    "origins",
    "backends",
    "forks",
    "flight",
    "chain",
    "rotation",
    "events",
    "redaction",
    "diagnosis",
    "status",
    "engine",
    "credentials",
    "auth",
    "transport",
    "live",
    "client",
    "sources",
    "uris",
    "telemetry",
    "testing",
    "cli",
]
# A front that loads what is above it on first use, and the pure types it names.
FRONT = {"credentials": {"auth", "client", "uris"}}
SUBMODULES = {path.stem for path in ROOT.glob("*.py")} | {"sources", "cli", "testing"}
HEAVY = ["google.genai", "boto3", "botocore", "grpc", "pydantic", "httpx", "httpx2", "aiohttp", "asyncio"]
MODULES = sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")


def room(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(tree):
    """Each room of ours that is imported, and whether at the top of the module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("genai_credentials"):
            parts = node.module.split(".")
            for name in [parts[1]] if len(parts) > 1 else [alias.name for alias in node.names]:
                yield name, node in tree.body


def typing_only(tree):
    blocks = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    return {id(node) for block in blocks for node in ast.walk(block)}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_upward(path):
    here = room(path)
    tree = ast.parse(path.read_text())
    ignored = typing_only(tree)
    tree.body = [node for node in tree.body if id(node) not in ignored]
    for name, at_top in imports(tree):
        allowed = name in ORDER and ORDER.index(name) <= ORDER.index(here)
        lazily = not at_top and name in FRONT.get(here, ())
        assert allowed or lazily or name == "__version__", f"{here} imports {name}"


@pytest.mark.parametrize("path", sorted((ROOT / "sources").glob("*.py")), ids=lambda path: path.stem)
def test_no_source_imports_another(path):
    assert "sources" not in {name for name, _ in imports(ast.parse(path.read_text()))}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_is_over_400_lines(path):
    assert path.read_text().count("\n") <= 400


def test_every_room_is_in_the_order():
    assert {room(path) for path in MODULES} == set(ORDER)


def test_importing_the_package_loads_nothing_heavy():
    heavy = HEAVY
    script = (
        "import sys\nfrom genai_credentials import CredentialProvider, Env\n"
        "CredentialProvider(Env(environ={'GEMINI_API_KEY': 'AIzaExample'})).get()\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_public_face_is_whole_and_listed():
    public = genai_credentials.__all__
    # A package that brings a plug-in is rewritten by pytest, whose own names begin with an @.
    present = {name for name in dir(genai_credentials) if name[0].isalpha()}
    assert set(public) == present - {"TYPE_CHECKING"} - SUBMODULES
    assert len(set(public)) == len(public)
    for name in public:
        assert getattr(genai_credentials, name).__module__.startswith("genai_credentials.")
        assert name in dir(genai_credentials)
    with pytest.raises(AttributeError, match="nonsense"):
        genai_credentials.nonsense  # noqa: B018


def test_the_contract_of_the_design_is_kept():
    names = (
        "ApiKey CredentialProvider Provider ProviderChain Env Dotenv File GoogleSecretManager AWSSecretsManager "
        "CredentialsError Unavailable FetchFailed InvalidSecret MissingDependency NoCredentials"
    )
    assert set(names.split()) <= set(genai_credentials.__all__)
