"""What is known of each key, and what the front does with the key that serves."""

from __future__ import annotations

from .mutation import of

RULES = "unit/test_engine_rules.py::"
ENGINE = "unit/test_engine.py::"
EXCHANGE = "unit/test_exchange.py::"
BACKOFF = f"{ENGINE}test_a_failed_refresh_keeps_the_key_backs_off_and_warns_once"

SECTIONS = {
    "What the API said of each key: `known.py`": of(
        "known.py",
        (
            "each request counts as a refusal, not each change of the key",
            "news = not self.quarantined(key)",
            "news = True",
            f"{EXCHANGE}test_an_outage_of_the_keys_is_warned_of_once_and_ends_with_one_recovery[1]",
        ),
        (
            "an acceptance leaves the key in quarantine",
            "        self.release(key)\n        return True",
            "        return True",
            f"{EXCHANGE}test_after_one_stray_refusal_the_accepted_key_is_out_of_quarantine",
        ),
        (
            "an acceptance of a request sent before the refusal lifts the quarantine",
            "if self.was_refused_since(key, sent):",
            "if False:",
            f"{EXCHANGE}test_an_acceptance_of_a_request_sent_before_the_refusal_proves_nothing",
        ),
        (
            "a key that the API accepted does not count as one that worked",
            "        known.worked = True\n",
            "",
            f"{EXCHANGE}test_an_answer_that_shows_that_the_key_was_taken_ends_it",
        ),
        (
            "no `min_refresh_interval`",
            "return self._has_passed(self.interval, now)",
            "return True",
            f"{ENGINE}test_nothing_better_is_none_at_once_and_fetches_keep_their_interval",
        ),
        (
            "a newly refused key earns no fetch of its own",
            "if self.struck(key) <= last.began:",
            "if True:",
            f"{EXCHANGE}test_a_second_rotation_right_after_a_fetch_that_found_nothing_loses_nothing",
        ),
        (
            "a key that flaps asks the stores each time",
            "FIRST_PAUSE * 2 ** (last.in_a_row - 2) if flaps else 0.0",
            "0.0",
            f"{EXCHANGE}test_a_key_that_flaps_cannot_hammer_the_store",
        ),
        (
            "flapping doesn't double the pause",
            "FIRST_PAUSE * 2 ** (last.in_a_row - 2) if flaps",
            "FIRST_PAUSE if flaps",
            f"{EXCHANGE}test_a_key_that_flaps_cannot_hammer_the_store",
        ),
        (
            "the pause of a key that flaps has no ceiling",
            "min(pause, self.interval)",
            "pause",
            f"{EXCHANGE}test_a_key_that_flapped_is_replaced_after_an_interval_all_the_same",
        ),
        (
            "flapping is never forgotten",
            "1 if now - self._fruitless.ended > MINUTE else min(self._fruitless.in_a_row + 1, 32)",
            "min(self._fruitless.in_a_row + 1, 32)",
            f"{EXCHANGE}test_flapping_is_forgotten_after_a_minute_of_quiet",
        ),
        (
            "no patience with a key that has just followed another",
            "known.rotated_in_at if known.refused else -math.inf, known.back_at",
            "-math.inf, known.back_at",
            f"{EXCHANGE}test_a_key_that_has_just_followed_another_is_sent_again_until_replicas_know_it",
        ),
        (
            "no patience with a key that was accepted since a refusal",
            "known.rotated_in_at if known.refused else -math.inf, known.back_at",
            "known.rotated_in_at if known.refused else -math.inf, -math.inf",
            f"{EXCHANGE}test_a_key_that_was_accepted_since_a_refusal_is_sent_again",
        ),
        (
            "a sign that replicas disagree never grows old",
            "known.back_at) > MINUTE:",
            "known.back_at) > math.inf:",
            f"{EXCHANGE}test_a_sign_that_replicas_disagree_is_one_for_a_minute",
        ),
        (
            "each request has a window of patience of its own",
            "since = now if known.outing_at is None else known.outing_at",
            "since = now",
            f"{EXCHANGE}test_patience_ends_with_its_window_and_the_next_request_has_the_error_at_once",
        ),
    ),
    "What is remembered for a while: `recent.py`": of(
        "recent.py",
        (
            "no entry is ever forgotten",
            "return self._clock() - entry[0] < self._seconds",
            "return True",
            "unit/test_recent.py::test_an_entry_is_kept_for_its_time",
        ),
        (
            "the memory grows without end",
            "others[1 - self._most :]",
            "others",
            "unit/test_recent.py::test_of_more_than_it_keeps_the_oldest_are_forgotten",
        ),
    ),
    "The front: `credentials.py`": of(
        "credentials.py",
        (
            "a stale key's text is served without a look at the clock",
            "        read = self._keystate.serving.read\n        return read() or drive",
            "        read = self._keystate.serving.key.get_secret_value\n        return read() or drive",
            BACKOFF,
        ),
        (
            "there is no fast path",
            '"""Return the current key as `get()` does, without blocking the event loop."""\n'
            "        serving, clock = self._keystate.serving, self._clock\n"
            "        if clock() < serving.due_at:",
            '"""Return the current key as `get()` does, without blocking the event loop."""\n'
            "        serving, clock = self._keystate.serving, self._clock\n"
            "        if False:",
            f"{RULES}test_a_fresh_key_is_served_without_a_lock",
        ),
    ),
}
