"""mypy --strict and pyright on `accepts.py` and `rejects.py`, over the package as it is installed.

It takes the dependency group dev, so it is no part of the default run: `pytest tests/typing`.
"""

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FILES = ["accepts.py", "rejects.py"]
# From here the configuration's mypy_path leads nowhere, so the package is found where it is installed. The cache is
# that of the package's own check, which has read google-genai before.
MYPY = ["mypy", "--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(ROOT / ".mypy_cache")]
# With files named, pyright reads no configuration.
LINES = {
    "mypy": [*MYPY, "--output", "json", *FILES],
    "pyright": ["pyright", "--pythonpath", sys.executable, "--outputjson", *FILES],
}
Errors = dict[str, dict[int, list[str]]]


def found_by_mypy(output: str) -> Errors:
    errors: Errors = defaultdict(lambda: defaultdict(list))
    for error in map(json.loads, output.splitlines()):
        if error["severity"] == "error":
            errors[Path(error["file"]).name][error["line"]].append(error["message"])
    return errors


def found_by_pyright(output: str) -> Errors:
    errors: Errors = defaultdict(lambda: defaultdict(list))
    for error in json.loads(output)["generalDiagnostics"]:
        if error["severity"] == "error":
            errors[Path(error["file"]).name][error["range"]["start"]["line"] + 1].append(error["message"])
    return errors


READERS = {"mypy": found_by_mypy, "pyright": found_by_pyright}


@pytest.fixture(scope="module")
def found() -> dict[str, Errors]:
    """The errors of each checker, by file and line; they run side by side."""
    running = {
        name: subprocess.Popen([sys.executable, "-m", *line], cwd=HERE, stdout=subprocess.PIPE, text=True)
        for name, line in LINES.items()
    }
    outputs = {name: process.communicate(timeout=180)[0] for name, process in running.items()}
    # 1 says that there were errors, as there have to be; 2 that the checker itself failed.
    assert {name: process.returncode for name, process in running.items()} == dict.fromkeys(LINES, 1)
    return {name: READERS[name](output) for name, output in outputs.items()}


@pytest.mark.parametrize("checker", LINES)
def test_what_a_user_may_write_is_accepted(found: dict[str, Errors], checker: str) -> None:
    assert found[checker]["accepts.py"] == {}


@pytest.mark.parametrize("checker", LINES)
def test_each_misuse_is_rejected_and_nothing_else(found: dict[str, Errors], checker: str) -> None:
    lines = (HERE / "rejects.py").read_text().splitlines()
    wrong = {number for number, line in enumerate(lines, 1) if line.endswith("# wrong")}
    errors = found[checker]["rejects.py"]
    assert len(wrong) > 40
    assert {number: lines[number - 1] for number in wrong - errors.keys()} == {}
    assert {number: errors[number] for number in errors.keys() - wrong} == {}


def test_every_public_name_is_used() -> None:
    import genai_credentials
    import genai_credentials.testing

    words = set(re.findall(r"\w+", (HERE / "accepts.py").read_text()))
    assert {*genai_credentials.__all__, *genai_credentials.testing.__all__} <= words
