"""What the documentation shows is run: each Python block of the README and the pages, and each docstring's example."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest
from pages import untitled

import genai_credentials

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
MODULES = [
    module.name
    for module in pkgutil.walk_packages(genai_credentials.__path__, "genai_credentials.")
    if not module.name.endswith("__main__")
]


@pytest.mark.usefixtures("own_logger")
@pytest.mark.parametrize("page", [page for page in PAGES if untitled(page)], ids=lambda page: page.stem)
def test_each_block_of_a_page_runs(page, monkeypatch, tmp_path):
    monkeypatch.setenv("GEMINI_API_KEY", "AIzaExample")
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "__main__"}
    for block in untitled(page):
        if block.startswith(">>>"):
            test = doctest.DocTestParser().get_doctest(block, names, page.name, str(page), 0)
            assert doctest.DocTestRunner().run(test, clear_globs=False).failed == 0
        else:
            exec(compile(block, str(page), "exec"), names)
    for value in names.values():
        if not isinstance(value, type) and callable(close := getattr(value, "close", None)):
            close()


@pytest.mark.parametrize("name", MODULES)
def test_each_example_of_a_module_runs(name):
    assert doctest.testmod(importlib.import_module(name), raise_on_error=False).failed == 0
