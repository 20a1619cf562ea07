"""What is known of each key, and what the front does with the key that serves."""

from __future__ import annotations

from .mutation import of

RULES = "unit/test_engine_rules.py::"
ENGINE = "unit/test_engine.py::"
EXCHANGE = "unit/test_exchange.py::"
BACKOFF = f"{ENGINE}test_a_failed_refresh_keeps_the_key_backs_off_and_warns_once"

SECTIONS = {
    "The API's verdicts on each key: `known_keys.py`": of(
        "known_keys.py",
        (
            "each refused request counts as a new refusal of the key",
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
            "an acceptance of a request that was sent before the refusal ends the quarantine",
            "if self.was_refused_since(key, sent):",
            "if False:",
            f"{EXCHANGE}test_an_acceptance_of_a_request_sent_before_the_refusal_proves_nothing",
        ),
        (
            "a key that the API accepted does not count as a key that worked",
            "        known.worked = True\n",
            "",
            f"{EXCHANGE}test_an_answer_that_shows_that_the_key_was_taken_ends_it",
        ),
        (
            "`min_refresh_interval` is ignored",
            "return self._has_passed(self.interval, now)",
            "return True",
            f"{ENGINE}test_nothing_better_is_none_at_once_and_fetches_keep_their_interval",
        ),
        (
            "a key that is refused for the first time gets no fetch of its own",
            "if self.struck(key) <= last.began:",
            "if True:",
            f"{EXCHANGE}test_a_second_rotation_right_after_a_fetch_that_found_nothing_loses_nothing",
        ),
        (
            "a key that is accepted and refused in turn fetches at each refusal",
            "FIRST_PAUSE * 2 ** (last.in_a_row - 2) if flaps else 0.0",
            "0.0",
            f"{EXCHANGE}test_a_key_that_flaps_cannot_hammer_the_store",
        ),
        (
            "the pause for such a key does not double",
            "FIRST_PAUSE * 2 ** (last.in_a_row - 2) if flaps",
            "FIRST_PAUSE if flaps",
            f"{EXCHANGE}test_a_key_that_flaps_cannot_hammer_the_store",
        ),
        (
            "the pause for such a key has no upper bound",
            "min(pause, self.interval)",
            "pause",
            f"{EXCHANGE}test_a_key_that_flapped_is_replaced_after_an_interval_all_the_same",
        ),
        (
            "the pause for such a key is still long after a quiet minute",
            "1 if now - self._fruitless.ended > MINUTE else min(self._fruitless.in_a_row + 1, 32)",
            "min(self._fruitless.in_a_row + 1, 32)",
            f"{EXCHANGE}test_flapping_is_forgotten_after_a_minute_of_quiet",
        ),
        (
            "a key that has just replaced another key is not sent again",
            "known.rotated_in_at if known.refused else -math.inf, known.back_at",
            "-math.inf, known.back_at",
            f"{EXCHANGE}test_a_key_that_has_just_followed_another_is_sent_again_until_replicas_know_it",
        ),
        (
            "a key that was accepted after a refusal is not sent again",
            "known.rotated_in_at if known.refused else -math.inf, known.back_at",
            "known.rotated_in_at if known.refused else -math.inf, -math.inf",
            f"{EXCHANGE}test_a_key_that_was_accepted_since_a_refusal_is_sent_again",
        ),
        (
            "a sign that replicas disagree counts for more than a minute",
            "known.back_at) > MINUTE:",
            "known.back_at) > math.inf:",
            f"{EXCHANGE}test_a_sign_that_replicas_disagree_is_one_for_a_minute",
        ),
        (
            "`patience` counts from the first refusal of each request, not of the key",
            "since = now if known.outing_at is None else known.outing_at",
            "since = now",
            f"{EXCHANGE}test_patience_ends_with_its_window_and_the_next_request_has_the_error_at_once",
        ),
    ),
    "Memory with a time limit: `recent.py`": of(
        "recent.py",
        (
            "no entry is removed after its time",
            "return self._clock() - entry[0] < self._seconds",
            "return True",
            "unit/test_recent.py::test_an_entry_is_kept_for_its_time",
        ),
        (
            "the memory grows without bound",
            "others[1 - self._most :]",
            "others",
            "unit/test_recent.py::test_of_more_than_it_keeps_the_oldest_are_forgotten",
        ),
    ),
    "`CredentialProvider`: `credentials.py`": of(
        "credentials.py",
        (
            "the text of a key is returned after `ttl` without a refresh",
            "        read = self._keystate.serving.read\n        return read() or drive",
            "        read = self._keystate.serving.key.get_secret_value\n        return read() or drive",
            BACKOFF,
        ),
        (
            "`aget()` takes the lock although the key is fresh",
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
