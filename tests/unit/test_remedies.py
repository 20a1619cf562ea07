"""Tests that every error in the code of the package has a remedy. They walk the syntax tree of each module."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import genai_credentials
from genai_credentials import errors

ROOT = Path(genai_credentials.__file__).parent
TREES = {path: ast.parse(path.read_text()) for path in sorted(ROOT.rglob("*.py"))}
ROOTS = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}


def _base_names(node: ast.ClassDef) -> set[str]:
    return {base.id for base in node.bases if isinstance(base, ast.Name)}


def _classes() -> dict[str, tuple[Path, ast.ClassDef]]:
    """Return the package's classes of errors by name, including all subclasses."""
    every = [(path, node) for path, tree in TREES.items() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    found = {node.name: (path, node) for path, node in every if node.name in ROOTS and path.name == "errors.py"}
    while more := {n.name: (p, n) for p, n in every if n.name not in found and _base_names(n) & set(found)}:
        found |= more
    return found


CLASSES = _classes()


def _names_in(path: Path) -> set[str]:
    """Return the names of the package's errors in one module: those it defines and those it imports."""
    names = {node.name for node in ast.walk(TREES[path]) if isinstance(node, ast.ClassDef)}
    own = {name for name in names if name in CLASSES and CLASSES[name][0] == path}
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("genai_credentials"):
            home = (node.module or "").rpartition(".")[2]
            imported = {alias.name for alias in node.names}
            own |= {name for name in imported & set(CLASSES) if CLASSES[name][0].stem == home}
    return own


def _brings_its_own(name: str) -> bool:
    """Return whether a class sets its own remedy: its constructor takes no remedy, or has a default remedy."""
    node = CLASSES[name][1]
    for part in node.body:
        if isinstance(part, ast.FunctionDef) and part.name == "__init__":
            taken = {argument.arg for argument in [*part.args.args, *part.args.kwonlyargs]}
            text = ast.unparse(part)
            return 'remedy=remedy or "' in text.replace("'", '"') or ("remedy" not in taken and "remedy=" in text)
    return False


def _made(path: Path) -> Iterator[ast.Call]:
    names = {name for name in _names_in(path) if not _brings_its_own(name)}
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield node


def _has_a_remedy(call: ast.Call) -> bool:
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    if "attempts" in given:
        return True  # the remedies of the links
    remedy = given.get("remedy")
    return remedy is not None and ast.unparse(remedy) not in ("''", "None")


@pytest.mark.parametrize("path", TREES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_error_that_a_module_makes_has_a_remedy(path: Path) -> None:
    bare = [f"line {call.lineno}: {ast.unparse(call)[:100]}" for call in _made(path) if not _has_a_remedy(call)]
    assert not bare, bare


def test_the_walk_finds_the_errors_that_are_made() -> None:
    """Otherwise the test above would pass if the walk found no errors."""
    calls = [call for path in TREES for call in _made(path)]
    assert len(calls) > 150
    assert {"Unproven", "RotationFailed", "PutConflict", "NoSuchSecret"} <= set(CLASSES)
    assert "Refused" not in _names_in(ROOT / "proxy/admission.py"), "an answer of the proxy's is no error of ours"


def test_an_error_without_a_remedy_is_found() -> None:
    text = "(F('It failed.'), F('It failed.', remedy=''), F('It failed.', remedy='Mend it.'))"
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    assert [_has_a_remedy(call) for call in calls] == [False, False, True]
