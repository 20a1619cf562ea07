"""The commands of docs/install.md and the tutorial that install the package, typed into a bare environment."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```sh(?: title=\"Terminal 1\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """The variables of a shell in which an empty environment is active."""
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "bare")], check=True)
    path = f"{tmp_path / 'bare' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    left = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return {**left, "PATH": path}


def typed(commands: str, where: Path, variables: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-ec", commands], cwd=where, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_page_installs_the_command(bare: dict[str, str]) -> None:
    install, look, *_ = BLOCK.findall((ROOT / "docs/install.md").read_text())
    typed(install, ROOT, bare)
    assert re.fullmatch(r"genai-credentials [\d.]+\n", typed(look, ROOT, bare))


def test_the_tutorials_line_finds_the_checkout_beside_it(bare: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "genai-credentials").symlink_to(ROOT)
    (line,) = re.findall(r"^pip install .*$", (ROOT / "docs/tutorial.md").read_text(), re.MULTILINE)
    (tmp_path / "gemini-tutorial").mkdir()
    # Where its requirements come from is the other test's.
    typed(f"{line} --no-deps", tmp_path / "gemini-tutorial", bare)
    assert typed("python -c 'import genai_credentials; print(1)'", tmp_path, bare) == "1\n"
