"""The page about frameworks: its snippets are short, they are the ones that ran, and its table is what was seen."""

import ast

import pytest

from frameworks.page import (
    FRAMEWORKS,
    HEADS,
    LONGEST,
    PAGE,
    SEEN,
    load,
    shared,
    snippets,
    table,
    table_on_the_page,
    titles,
)

TOOLS = sorted(FRAMEWORKS.values())
SEEN_ROWS = load()


def lines_of_code(snippet):
    return [line for line in snippet.splitlines() if line.strip()]


@pytest.mark.parametrize("tool", TOOLS)
def test_each_tool_has_a_snippet_of_at_most_eight_lines_and_a_module_of_tests(tool):
    assert snippets(tool)
    for snippet in snippets(tool):
        assert len(lines_of_code(snippet)) <= LONGEST
    (module,) = [module for module, name in FRAMEWORKS.items() if name == tool]
    assert SEEN.with_name(f"test_{module}.py").exists()


def test_no_snippet_is_there_that_is_not_run():
    assert set(titles()) == set(TOOLS)


def test_what_is_shared_defines_the_names_that_the_snippets_use():
    defined = {
        node.id
        for block in shared()
        for node in ast.walk(ast.parse(block))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    assert {"credentials", "client", "gemini", "bearer"} <= defined


@pytest.mark.parametrize("name", SEEN_ROWS)
def test_the_snippets_on_the_page_are_the_ones_that_ran(name):
    """Changed since then? Run `nox -s "frameworks(…)" -- --write-frameworks`."""
    assert SEEN_ROWS[name].snippets == snippets(name.rpartition(", ")[0])


def test_the_table_is_what_was_seen_of_every_tool():
    assert {name.rpartition(", ")[0] for name in SEEN_ROWS} == set(TOOLS)
    assert {len(seen.cells) for seen in SEEN_ROWS.values()} == {len(HEADS)}
    assert table_on_the_page() == table(SEEN_ROWS)
    assert "✘" not in PAGE.read_text()
