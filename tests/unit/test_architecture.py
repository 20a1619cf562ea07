"""What the source itself promises: imports point one way, modules stay short, and nothing heavy loads early."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import genai_credentials

PACKAGE = Path(genai_credentials.__file__).parent
MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))
MOST_LINES = 400

# Each room may import the ones before it, and none after it.
ORDER = [
    *("errors", "key", "provider", "rejection", "flight", "forks", "chain", "rotation", "status", "diagnosis"),
    *("redaction", "engine", "credentials", "transport", "origins", "auth", "live", "client", "sources", "uris"),
    *("testing", "cli"),
]
FACADES = {"__init__"}
# The front hands out clients, Auths and URIs, and loads the rooms that make them when asked.
LAZY = {"credentials": {"auth", "client", "live", "redaction", "transport", "uris"}}
HEAVY = {
    *("google.genai", "boto3", "botocore", "grpc", "pydantic", "httpx", "httpx2", "aiohttp", "requests"),
    *("asyncio", "dataclasses", "dotenv", "click"),
}


class Import(NamedTuple):
    module: str
    lazy: bool
    line: int


def room_of(path: Path) -> str:
    return path.parts[0].removesuffix(".py")


def imports(tree: ast.AST, lazy: bool = False) -> Iterator[Import]:
    """The imports of a module, but for those that only a type checker sees; lazy if inside a function."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            continue
        inside = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"line {node.lineno}: a relative import"
            for name in node.names:
                whole = f"{node.module}.{name.name}" if node.module == "genai_credentials" else str(node.module)
                yield Import(whole, inside, node.lineno)
        elif isinstance(node, ast.Import):
            yield from (Import(name.name, inside, node.lineno) for name in node.names)
        else:
            yield from imports(node, inside)


def ours(path: Path) -> Iterator[tuple[str, Import]]:
    tree = ast.parse((PACKAGE / path).read_text(encoding="utf-8"))
    for one in imports(tree):
        parts = one.module.split(".")
        if parts[0] == "genai_credentials" and len(parts) > 1:
            # A name of the façade stands for its room, which the façade loads when asked.
            room = (
                genai_credentials._ROOMS.get(parts[1], "errors") if parts[1] in genai_credentials.__all__ else parts[1]
            )
            yield room.split(".")[0], one


def test_every_room_has_its_place() -> None:
    assert {room_of(path) for path in MODULES} - FACADES - set(ORDER) == set()


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_imports_point_one_way(path: Path) -> None:
    room = room_of(path)
    allowed = set(ORDER if room in FACADES else ORDER[: ORDER.index(room) + 1])
    wrong = [
        f"{path}:{one.line} imports {target}"
        for target, one in ours(path)
        if target not in allowed and not (one.lazy and target in LAZY.get(room, ()))
    ]
    assert wrong == []


@pytest.mark.parametrize("path", [path for path in MODULES if room_of(path) == "sources"], ids=str)
def test_no_source_imports_another(path: Path) -> None:
    assert [one for target, one in ours(path) if target == "sources"] == []


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_no_module_is_long(path: Path) -> None:
    assert len((PACKAGE / path).read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def loaded_after(code: str) -> set[str]:
    code = f"import sys; before = set(sys.modules); {code}; print(*set(sys.modules) - before)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return HEAVY & set(run.stdout.split())


@pytest.mark.parametrize("code", ["import genai_credentials", "import genai_credentials; dir(genai_credentials)"])
def test_the_package_loads_nothing_heavy(code: str) -> None:
    assert loaded_after(code) == set()


@pytest.mark.parametrize(
    "names", ["Env, File, Dotenv, ApiKey", "GoogleSecretManager, AWSSecretsManager, ProviderChain"]
)
def test_a_provider_loads_its_libraries_when_it_fetches(names: str) -> None:
    assert loaded_after(f"from genai_credentials import {names}") <= {"dataclasses", "asyncio"}


def test_the_public_names_are_sorted_and_all_there() -> None:
    names = genai_credentials.__all__
    assert list(names) == sorted(set(names))
    rooms = {room_of(path) for path in MODULES}
    public = {name for name in dir(genai_credentials) if not name.startswith("_")}
    assert public - rooms - {"TYPE_CHECKING"} == set(names)


@pytest.mark.parametrize("name", genai_credentials.__all__)
def test_every_public_name_resolves(name: str) -> None:
    value = getattr(genai_credentials, name)
    assert value.__name__ == name
    assert value.__doc__


@pytest.mark.parametrize("name", ["Nothing", "_nothing", "google", "__nothing__"])
def test_nothing_else_resolves(name: str) -> None:
    with pytest.raises(AttributeError, match="has no attribute"):
        getattr(genai_credentials, name)
