"""Tests of the architecture: which module may import which, the size of modules, and the cost of an import."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import genai_credentials

ROOT = Path(genai_credentials.__file__).parent

# From the bottom up: a module imports only modules of its own room and of those before it, function bodies included.
ORDER = """
    errors sealing closing durations sources.google_kinds keytext fields key log deadline reasons messages rejection
    troubles forks per_process provider workers flight recent known_keys notice serving
    sources.base adapter chain keystate events redaction writing fetching notifications options
    sources.retries sources.checksum sources.versions sources.google_login sources.google_clients
    sources.aws_names sources.aws_session sources.agent_token sources
    tables pushes diagnosis status engine client proposals uris pydantic_field client_factory credentials tenants rotate
    telemetry proxy testing cli __main__
"""
ROOMS = ORDER.split()
PARTS = {room for room in ROOMS if room.startswith("sources.")}
SUBMODULES = {path.stem for path in ROOT.glob("*.py")} | {path.name for path in ROOT.iterdir() if path.is_dir()}
HEAVY = ["google.genai", "boto3", "botocore", "grpc", "pydantic", "httpx", "httpx2", "aiohttp", "asyncio"]
MODULES = sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")


def name_of(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def room(module):
    return max((name for name in ROOMS if f"{module}.".startswith(f"{name}.")), key=len, default=module)


def imports(path):
    """Return each module of the package that a module imports anywhere, except under TYPE_CHECKING."""
    tree = ast.parse(path.read_text())
    blocks = [node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    ignored = {id(node) for block in blocks for part in block.body for node in ast.walk(part)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE) and id(node) not in ignored:
            module = node.module.removeprefix(PACKAGE).lstrip(".")
            inside = [f"{module}.{alias.name}".lstrip(".") for alias in node.names]
            yield from (name if name in GRAPH_NAMES else module for name in inside)


PACKAGE = "genai_credentials"
GRAPH_NAMES = {name_of(path) for path in MODULES}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path):
    here = room(name_of(path))
    for name in imports(path):
        allowed = name == "" or ROOMS.index(room(name)) <= ROOMS.index(here)
        assert allowed, f"{name_of(path)} imports {name}"


def test_no_two_modules_import_each_other():
    order = TopologicalSorter({name_of(path): set(imports(path)) - {name_of(path)} for path in MODULES})
    order.prepare()


@pytest.mark.parametrize("path", sorted((ROOT / "sources").glob("*.py")), ids=lambda path: path.stem)
def test_no_source_imports_another(path):
    # Both read one store, whose errors stand in one table.
    allowed = PARTS | {"sources.aws"} if path.stem == "aws_agent" else PARTS
    assert {name for name in imports(path) if name.startswith("sources")} <= allowed


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_is_over_400_lines(path):
    assert path.read_text().count("\n") <= 400


def test_every_room_is_in_the_order():
    assert {room(name_of(path)) for path in MODULES} == set(ROOMS)


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


def test_the_measures_of_the_house_are_kept():
    done = subprocess.run([sys.executable, "-m", "tests.measures"], cwd=ROOT.parents[1], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_locks_are_those_that_a_fork_renews(path):
    """A plain lock that a thread of the parent holds at a fork is held in the child for ever."""
    if name_of(path) in ("forks", "per_process", "flight") or "testing" in path.parts or "cli" in path.parts:
        return
    plain = {"Lock", "RLock", "Condition", "Semaphore", "BoundedSemaphore", "Event", "Barrier"}
    tree = ast.parse(path.read_text())
    named = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "threading"
    }
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "threading"
        for alias in node.names
    }
    assert not plain & (named | imported)
