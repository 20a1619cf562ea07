"""The list of mutations fits the code, the tests and the page; `python -m tests.mutations` tries it."""

import ast

import pytest

from mutations import MUTATIONS, SECTIONS
from mutations.mutation import ROOT
from mutations.page import PAGE, text
from mutations.rotation import BY_HAND

NAMED = sorted({test.partition("[")[0] for test in [*(one.test for one in MUTATIONS), *(test for _, test in BY_HAND)]})
RENEW = "the code has changed: renew the list in tests/mutations, and try it with python -m tests.mutations"


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: f"{mutation.file}: {mutation.rule}")
def test_each_mutation_still_has_its_place(mutation):
    try:
        mutated = mutation.mutated()
    except ValueError as error:
        pytest.fail(f"{error}; {RENEW}")
    ast.parse(mutated)


@pytest.mark.parametrize("name", NAMED)
def test_each_test_that_is_named_is_there(name):
    path, *inside = name.split("::")
    body = ast.parse((ROOT / "tests" / path).read_text()).body
    for part in inside:
        found = [node for node in body if getattr(node, "name", None) == part]
        assert found, RENEW
        body = found[0].body


def test_no_rule_is_listed_twice():
    rules = [(heading, mutation.rule) for heading, section in SECTIONS.items() for mutation in section]
    assert len(set(rules)) == len(rules)


def test_the_page_is_that_of_the_list():
    assert PAGE.read_text() == text(), "python -m tests.mutations --write"
