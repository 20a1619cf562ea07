"""Tests of `Recent`, the small map that drops old entries."""

from genai_credentials.recent import Recent


def test_an_entry_is_kept_for_its_time(clock):
    recent = Recent(8, 60.0, clock)
    recent["a"] = 1
    clock.advance(59)
    recent["b"] = 2
    assert ("a" in recent, recent.get("a"), list(recent.values())) == (True, 1, [1, 2])
    clock.advance(1)
    assert ("a" in recent, recent.get("a"), list(recent.values())) == (False, None, [2])


def test_of_more_than_it_keeps_the_oldest_are_forgotten(clock):
    recent = Recent(3, 60.0, clock)
    for number in range(5):
        recent[str(number)] = number
    assert list(recent.values()) == [2, 3, 4]
    recent["2"] = 7
    assert list(recent.values()) == [3, 4, 7]


def test_a_forgotten_entry_is_gone_and_one_that_was_not_there_is_no_error(clock):
    recent = Recent(3, 60.0, clock)
    recent["a"] = 1
    recent.forget("a")
    recent.forget("a")
    assert list(recent.values()) == []
