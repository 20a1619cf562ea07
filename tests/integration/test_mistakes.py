"""What newcomers type wrongly: each error says what is wrong, where and what to do; docs/explanation/mistakes.md."""

import pytest

from mistakes import SECTIONS
from mistakes.mistake import KEY, Mistake
from mistakes.page import PAGE, text

EVERY = [mistake for section in SECTIONS.values() for mistake in section]


@pytest.mark.parametrize("mistake", EVERY, ids=lambda mistake: mistake.typed)
def test_an_error_says_what_is_wrong_and_what_to_do_without_a_key(mistake: Mistake) -> None:
    said = mistake.said()
    assert [word for word in mistake.names if word not in said] == [], said
    assert KEY[4:] not in said
    assert "Traceback" not in said


def test_there_are_many_and_none_is_made_twice() -> None:
    assert len({mistake.typed for mistake in EVERY}) == len(EVERY) >= 45


def test_the_page_shows_what_is_said() -> None:
    assert PAGE.read_text() == text(), "write it anew: python -m tests.mistakes"
