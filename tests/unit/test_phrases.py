"""The words that `explain` knows: what is looked for first, to save time, must not hide what the pattern would find."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from itertools import islice
from typing import Any

import pytest

from genai_credentials.cli.causes import TABLE
from genai_credentials.cli.reading.phrases import PHRASES
from genai_credentials.cli.reading.phrases.phrase import Phrase

_PARSER: Any = importlib.import_module("re._parser")
_NAMES = {" ": "category_space", "1": "category_digit", "w": "category_word", "-": "category_not_word"}
_CLASSES = {name: text for text, name in _NAMES.items()} | {"category_not_space": "s"}
_MOST = 2_000


def _examples(tree: Iterable[tuple[Any, Any]]) -> list[str]:
    """Texts that a parsed pattern matches: every branch, with what is optional and without it."""
    texts = [""]
    for operation, argument in tree:
        parts = list(dict.fromkeys(_parts(str(operation).lower(), argument)))
        texts = [text + part for text in texts for part in parts][:_MOST]
    return texts


def _parts(operation: str, argument: Any) -> list[str]:
    if operation == "literal":
        return [chr(argument)]
    if operation == "in":
        return list(islice((_of_a_set(str(kind).lower(), one) for kind, one in argument), 3))
    if operation == "branch":
        return [text for branch in argument[1] for text in _examples(branch)]
    if operation == "subpattern":
        return _examples(argument[3])
    if operation in ("max_repeat", "min_repeat"):
        least, _, repeated = argument
        return [text * times for times in (least, least + 1) for text in (_examples(repeated) if times else [""])]
    if operation == "assert":
        return _examples(argument[1])
    return ["x"] if operation in ("not_literal", "any") else [""]


def _of_a_set(kind: str, one: Any) -> str:
    if kind == "literal":
        return chr(one)
    if kind == "range":
        return chr(one[0])
    return _CLASSES[str(one).lower()] if kind == "category" else "§"


@pytest.mark.parametrize("phrase", PHRASES, ids=lambda phrase: f"{phrase.cause}: {phrase.needles[0]}")
def test_a_needle_is_in_every_text_that_its_pattern_matches(phrase: Phrase) -> None:
    texts = _examples(_PARSER.parse(phrase.pattern.pattern))
    hidden = [text for text in texts if not any(needle in text for needle in phrase.needles)]
    assert not hidden, hidden[:5]


@pytest.mark.parametrize("phrase", PHRASES, ids=lambda phrase: f"{phrase.cause}: {phrase.needles[0]}")
def test_each_phrase_names_a_cause(phrase: Phrase) -> None:
    assert phrase.cause in {*TABLE, "gateway_said"}
