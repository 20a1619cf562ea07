"""The measures of the house, `python -m tests.measures`: how long modules and bodies are, and how much is typed.

A body is counted without its docstring. The core is everything but the command and what is for tests.
"""

import ast
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1] / "providers" / "genai_credentials"
REACH = {"median body": 4.0, "p90 body": 13.0, "longest body": 25.0, "largest module": 300.0, "Any, per cent": 4.0}


def main() -> int:
    """Print the table; 1 when a measure is not reached."""
    found = measures([path for path in sorted(ROOT.rglob("*.py")) if not {"cli", "testing"} & set(path.parts)])
    for name, (value, where) in found.items():
        print(f"{name:16} {value:7.1f}  {'' if value <= REACH[name] else 'MISSED'} at most {REACH[name]:g}  {where}")
    return any(value > REACH[name] for name, (value, _) in found.items())


def measures(paths: list[Path]) -> dict[str, tuple[float, str]]:
    """Each measure, and where the largest is."""
    bodies, modules, annotations = [], [], []
    for path in paths:
        text = path.read_text()
        tree = ast.parse(text)
        modules.append((text.count("\n"), path.name))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                bodies.append((length(node), f"{path.name}: {node.name}"))
            annotations += annotations_of(node)
    lengths = sorted(lines for lines, _ in bodies)
    loose = sum(has_any(annotation) for annotation in annotations)
    return {
        "median body": (statistics.median(lengths), ""),
        "p90 body": (lengths[int(len(lengths) * 0.9)], ""),
        "longest body": max(bodies),
        "largest module": max(modules),
        "Any, per cent": (100 * loose / len(annotations), f"{loose} of {len(annotations)}"),
    }


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines of a function's body, without its docstring."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def annotations_of(node: ast.AST) -> list[ast.expr]:
    """The annotations that stand at one node."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
        return [one for one in [*(arg and arg.annotation for arg in every), node.returns] if one is not None]
    return [node.annotation] if isinstance(node, ast.AnnAssign) else []


def has_any(annotation: ast.expr) -> bool:
    """Whether `Any` is in an annotation."""
    return any(isinstance(node, ast.Name) and node.id == "Any" for node in ast.walk(annotation))


if __name__ == "__main__":
    sys.exit(main())
