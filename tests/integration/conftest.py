"""Tables that several modules of this directory share are importable from them; the page of paths can be rewritten."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


def pytest_addoption(parser: pytest.Parser) -> None:
    """One option; `config.getoption` has to name a default, since this file is not always read in time."""
    parser.addoption("--write-paths", action="store_true", help="rewrite docs/explanation/paths.md from what is proved")
