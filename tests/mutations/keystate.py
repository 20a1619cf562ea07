"""The state machine."""

from __future__ import annotations

from .mutation import of

RULES = "unit/test_engine_rules.py::"
ENGINE = "unit/test_engine.py::"
EXCHANGE = "unit/test_exchange.py::"
OVERLAP = "unit/test_overlap.py::"
BACKOFF = f"{ENGINE}test_a_failed_refresh_keeps_the_key_backs_off_and_warns_once"
SCHEDULE = f"{OVERLAP}test_a_fresh_key_that_is_not_live_yet_gives_way_to_the_old_one_and_is_tried_again_on_schedule"
REFUSING = "integration/test_faults.py::test_an_api_that_refuses_everything_at_a_hundred_requests_a_second"

SECTIONS = {
    "The state machine: `keystate.py`": of(
        "keystate.py",
        (
            "`reject()` fetches although another key serves already",
            "if current != key and self._untried(current, tried):",
            "if False:",
            f"{ENGINE}test_a_rejection_of_a_key_that_is_no_longer_current_costs_no_fetch",
        ),
        (
            "a fetch brings back a key that was refused while it ran",
            "if found and self.known.quarantined(found.key):",
            "if False:",
            f"{RULES}test_a_key_refused_while_a_fetch_brings_it_is_nothing_better",
        ),
        (
            "a key in quarantine never serves, even if no other key exists",
            "if found is None and passed_over and not self.servable(now):",
            "if False:",
            f"{RULES}test_with_nothing_else_to_serve_a_key_refused_earlier_is_better_than_none",
        ),
        (
            "a scheduled refresh replaces a working key by the key of a lower link",
            "return self.serving.link + 1 if works and not for_rejection else links",
            "return links",
            f"{ENGINE}test_a_scheduled_refresh_never_trades_a_working_key_for_a_lower_links",
        ),
        (
            "the version before is read although a key has worked",
            " or self.known.ever_worked()",
            "",
            f"{OVERLAP}test_the_previous_version_is_tried_once_and_only_when_no_key_ever_worked",
        ),
        ("the version before is read more than once", "return first", "return True", REFUSING),
        (
            "there is no pause after a failed refresh",
            "self.retry_at = now + delay *",
            "self.retry_at = now + 0 *",
            BACKOFF,
        ),
        (
            "the pause after failed refreshes does not double",
            "FIRST_BACKOFF * 2**self._failures",
            "FIRST_BACKOFF",
            BACKOFF,
        ),
        (
            "the pause after failed refreshes has no upper bound",
            "min(LAST_BACKOFF, FIRST_BACKOFF * 2**self._failures)",
            "FIRST_BACKOFF * 2**self._failures",
            BACKOFF,
        ),
        (
            "after a success, the pause does not begin again at 1 s",
            "self._failures, self.retry_at = 0, -math.inf",
            "self.retry_at = -math.inf",
            f"{RULES}test_after_a_success_the_backoff_starts_over",
        ),
        (
            "the library never falls back to the earlier key",
            "if self._previous and current == key:",
            "if False:",
            SCHEDULE,
        ),
        (
            "the library falls back to a key that was replaced more than 30 min ago",
            " and now - replaced_at <= FALL_BACK_WITHIN",
            "",
            f"{RULES}test_only_a_key_that_was_replaced_lately_is_gone_back_to[1801.0-False]",
        ),
        (
            "a refused key counts as a key that worked",
            "worked = not self.known.quarantined(current.key) and self.servable(now)",
            "worked = True",
            f"{RULES}test_a_key_that_was_refused_is_none_that_worked",
        ),
        (
            "no key gets parole",
            "for found in self.known.newest_first():\n            other, known",
            "for found in ():\n            other, known",
            f"{OVERLAP}test_the_old_key_dying_before_the_trial_brings_the_fresh_one_at_once",
        ),
        (
            "a request gets parole for a key that it was refused with",
            " or other.fingerprint in tried",
            "",
            f"{EXCHANGE}test_patience_ends_with_its_window_and_the_next_request_has_the_error_at_once",
        ),
        (
            "`reject()` returns a key that was refused at the same moment",
            " or (not tried and known and known.refused_at >= now)",
            "",
            f"{ENGINE}test_a_rejection_without_a_request_gets_no_key_that_was_refused_at_this_very_instant",
        ),
        (
            "if every key was refused, the serving key changes with each request",
            "if not self.known.all_refused() and not self.known.is_disputed(self.serving.key, now):",
            "if not self.known.is_disputed(self.serving.key, now):",
            f"{EXCHANGE}test_a_lent_key_that_the_api_accepts_serves_from_then_on",
        ),
        (
            "if replicas disagree, the older key becomes the serving key and is not lent",
            "if not self.known.all_refused() and not self.known.is_disputed(self.serving.key, now):",
            "if True:",
            f"{EXCHANGE}test_while_replicas_disagree_the_older_key_is_only_lent",
        ),
        (
            "if replicas disagree, a lent key that is accepted becomes the serving key",
            " and not self.known.is_disputed(serving, now)\n",
            "\n",
            f"{EXCHANGE}test_while_replicas_disagree_the_older_key_is_only_lent",
        ),
        (
            "a lent key that is accepted never becomes the serving key",
            "if known and gone and serving != key:",
            "if False:",
            f"{EXCHANGE}test_a_lent_key_that_the_api_accepts_serves_from_then_on",
        ),
        (
            "after the library has fallen back, the new key is never tried again",
            "if self._trial is None or now < self._trial.at:",
            "if True:",
            SCHEDULE,
        ),
        ("the delay between trials does not double", "self._trial.delay * 2", "self._trial.delay", SCHEDULE),
        (
            "the delay between trials has no upper bound",
            "min(LAST_TRIAL, self._trial.delay * 2)",
            "self._trial.delay * 2",
            SCHEDULE,
        ),
        (
            "a key on trial stays in quarantine",
            "        self.known.release(trial.found.key)\n",
            "",
            f"{OVERLAP}test_the_fresh_key_serves_once_it_is_live",
        ),
        (
            "after a refused trial, the library cannot fall back",
            "self._previous = (old, now)",
            "self._previous = None",
            SCHEDULE,
        ),
        (
            "a failed refresh drops the key",
            "        if self.serving.key is not None:\n            self._serve(Found(",
            "        self.serving = NOTHING\n        if False:\n            self._serve(Found(",
            BACKOFF,
        ),
        (
            "a key serves on after `max_stale`",
            "return now < self.serving.stale_at",
            "return self.serving.key is not None",
            f"{ENGINE}test_past_max_stale_callers_wait_and_get_the_error",
        ),
        (
            "there is no scheduled refresh",
            "return now >= self.next_refresh_at",
            "return False",
            f"{ENGINE}test_past_its_ttl_the_key_is_served_at_once_while_one_fetch_runs",
        ),
        (
            "`ttl` has no jitter",
            "self._ttl * self.random.uniform(1 - JITTER, 1 + JITTER)",
            "self._ttl",
            f"{RULES}test_refreshes_of_a_fleet_spread_over_a_tenth_of_the_ttl_either_way",
        ),
        (
            "the pause after failed refreshes has no jitter",
            "delay * self.random.uniform(1 - JITTER, 1 + JITTER)",
            "delay",
            f"{RULES}test_tries_of_a_fleet_at_a_store_that_is_down_spread_too",
        ),
        (
            "a store that has only the refused key is asked as often as a store that failed",
            "elif any(other.link == self.serving.link for other in passed_over):",
            "elif False:",
            f"{RULES}test_a_refused_key_that_is_all_the_store_has_is_asked_after_once_a_ttl",
        ),
        (
            "an outage after a recovery logs no warning",
            "ended, self._outage, self._told = self._outage, False, False",
            "ended, self._outage = self._outage, False",
            f"{EXCHANGE}test_an_outage_of_the_keys_is_warned_of_once_and_ends_with_one_recovery[1]",
        ),
        (
            "a second key that the API refuses logs no warning",
            "self._trial, self._told = None, False",
            "self._trial = None",
            f"{EXCHANGE}test_another_key_that_is_dead_too_is_warned_of_anew",
        ),
    ),
}
