"""The engine: who waits, for what, and what is told."""

from __future__ import annotations

from .mutation import of

UNLOCKED = '__import__("contextlib").nullcontext()'
RULES = "unit/test_engine_rules.py::"
ENGINE = "unit/test_engine.py::"
EXCHANGE = "unit/test_exchange.py::"
LOCKED = f"{RULES}test_the_state_machine_is_only_touched_under_the_lock"

SECTIONS = {
    "The engine: `engine.py`": of(
        "engine.py",
        (
            "`get()` uses the state machine without its lock",
            "with self.lock:\n            self._check_open()\n            now, flight, key",
            f"with {UNLOCKED}:\n            self._check_open()\n            now, flight, key",
            LOCKED,
        ),
        (
            "`reject()` uses the state machine without its lock",
            "with self.lock:\n            news = self.keystate.refused",
            f"with {UNLOCKED}:\n            news = self.keystate.refused",
            LOCKED,
        ),
        (
            "`accept()` uses the state machine without its lock",
            "with self.lock:\n            sent = ",
            f"with {UNLOCKED}:\n            sent = ",
            LOCKED,
        ),
        (
            "the caller waits for a scheduled refresh",
            "key = self.keystate.serving.key\n"
            "                flight = self._fetching.begin() if self.keystate.refresh_due(now) else None",
            "flight = self._fetching.begin() if self.keystate.refresh_due(now) else None\n"
            "                key = None if flight else self.keystate.serving.key",
            f"{ENGINE}test_past_its_ttl_the_key_is_served_at_once_while_one_fetch_runs",
        ),
        (
            "after a failed start, each caller asks the stores again",
            "elif flight is None and self.keystate.backs_off(now):",
            "elif False:",
            f"{ENGINE}test_an_empty_start_is_remembered_and_cannot_hammer",
        ),
        (
            "a closed provider still serves",
            "def _check_open(self) -> None:\n        if self._fetching.closed:",
            "def _check_open(self) -> None:\n        if False:",
            f"{ENGINE}test_a_closed_provider_serves_no_more",
        ),
        (
            "a provider or a listener inside a fetch waits for that fetch",
            "if is_inside(self._events):",
            "if False:",
            f"{RULES}test_a_provider_that_asks_for_the_key_it_is_to_bring_is_told_so[get]",
        ),
        (
            "a key with a short life does not serve the callers that waited for it",
            "if flight.key is not None:",
            "if False:",
            "unit/test_under_fire.py::test_a_key_that_was_just_fetched_is_served_however_short_its_life",
        ),
        (
            "a request waits for the first key longer than its own timeout",
            "yield Wait(flight.landed, _left(until))",
            "yield Wait(flight.landed)",
            f"{EXCHANGE}test_a_request_waits_no_longer_for_the_first_key_than_its_own_timeout",
        ),
        (
            "a fetch that began before the refusal counts as the answer to it",
            "waits + 1, answered or flight.began > struck",
            "waits + 1, True",
            f"{ENGINE}test_a_fetch_that_began_before_the_rejection_is_no_answer_to_it",
        ),
        (
            "a fetch that began before `refresh()` counts as the answer to it",
            "if flight.began >= asked:",
            "if True:",
            f"{RULES}test_refreshes_that_meet_a_fetch_under_way_wait_for_it_and_share_the_next",
        ),
        (
            "after a refusal, a request waits for any number of fetches",
            "flight = None if other or waits == MOST_WAITS else",
            "flight = None if other else",
            f"{EXCHANGE}test_a_rejection_waits_for_one_fetch_under_way_and_one_of_its_own",
        ),
        (
            "after a refusal, a request waits only for the fetch that is already running",
            "MOST_WAITS = 2",
            "MOST_WAITS = 1",
            f"{ENGINE}test_a_fetch_that_began_before_the_rejection_is_no_answer_to_it",
        ),
        (
            "after a refusal, a request waits longer than its own timeout",
            "yield Wait(flight.landed, left)",
            "yield Wait(flight.landed)",
            f"{EXCHANGE}test_a_request_waits_no_longer_for_a_fetch_than_its_own_timeout",
        ),
        (
            "a key gets parole although a running fetch may find a better one",
            "if other is None and flight is None and not self._fetching.closed:",
            "if other is None and not self._fetching.closed:",
            f"{ENGINE}test_no_parole_while_a_fetch_is_under_way_that_may_bring_a_better_key",
        ),
        (
            "a pause between two attempts is longer than the request's own timeout",
            "if pause <= 0 or (left is not None and left <= pause):",
            "if pause <= 0:",
            f"{EXCHANGE}test_no_pause_goes_beyond_the_requests_own_timeout",
        ),
        (
            "a request is sent again for longer than `patience`",
            "return min(of_request, self.keystate.known.seconds_of_patience(self.clock()))",
            "return self.keystate.known.seconds_of_patience(self.clock())",
            f"{EXCHANGE}test_patience_ends_with_its_window_and_the_next_request_has_the_error_at_once",
        ),
        (
            "a request is sent again although there is no sign that replicas disagree",
            "return min(of_request, self.keystate.known.seconds_of_patience(self.clock()))",
            "return of_request",
            f"{EXCHANGE}test_a_dead_key_without_a_sign_of_lagging_replicas_is_sent_once",
        ),
        (
            "a request that is sent again within `patience` does not ask the store again",
            "flight = self._fetching.begin(key) if may_fetch else self.flight",
            "flight = self.flight",
            f"{EXCHANGE}test_a_second_rotation_while_a_request_is_patient_is_found",
        ),
        (
            "each request in an outage logs a warning",
            "if news:\n            self.diagnosis.of_outage(key)",
            "if True:\n            self.diagnosis.of_outage(key)",
            f"{EXCHANGE}test_an_outage_of_the_keys_is_warned_of_once_and_ends_with_one_recovery[1]",
        ),
        (
            "the warning of an outage is logged before the running fetch has ended",
            "news = self.flight is None and self.keystate.gave_up()",
            "news = self.keystate.gave_up()",
            f"{EXCHANGE}test_while_a_fetch_is_under_way_no_outage_is_warned_of",
        ),
        (
            "no event `recovered` is sent when the API accepts a key again",
            'if recovered:\n            self._events.emit("recovered", key)\n',
            "",
            f"{EXCHANGE}test_an_outage_of_the_keys_is_warned_of_once_and_ends_with_one_recovery[1]",
        ),
        (
            "each key's first acceptance sends an event `recovered`, also without an outage",
            "if recovered:",
            "if True:",
            f"{EXCHANGE}test_an_outage_of_the_keys_is_warned_of_once_and_ends_with_one_recovery[4]",
        ),
        (
            "any answer but a rejection counts as an acceptance",
            "if verdict.accepted and key is not",
            "if key is not",
            f"{EXCHANGE}test_an_answer_that_judges_nothing_keeps_the_rescue_by_the_earlier_version",
        ),
        (
            "an acceptance counts from the arrival of the answer, not from the sending of the request",
            "self.accept(key, sent)",
            "self.accept(key)",
            f"{EXCHANGE}test_an_acceptance_of_a_request_sent_before_the_refusal_proves_nothing",
        ),
        (
            "after an acceptance that proves nothing, later acceptances are ignored",
            " and not self.keystate.known.was_refused_since(key, sent):",
            ":",
            f"{EXCHANGE}test_an_acceptance_of_a_request_sent_before_the_refusal_proves_nothing",
        ),
        (
            "after an acceptance of a lent key, later acceptances are ignored",
            "if key == self.keystate.serving.key and not",
            "if not",
            f"{EXCHANGE}test_a_lent_key_serves_as_soon_as_nobody_disputes_about_the_newest",
        ),
        (
            "after a refusal, acceptances are ignored",
            "            self._accepted = None\n",
            "",
            f"{EXCHANGE}test_a_key_that_is_accepted_refused_and_accepted_is_fresh",
        ),
        (
            "no event `rotated` is sent when the library falls back",
            "self._fetching.tell_of_changes()\n        return other",
            "return other",
            f"{EXCHANGE}test_rotated_is_told_whenever_another_key_serves_and_the_counter_agrees",
        ),
        (
            "no event `rotated` is sent when a trial begins",
            "self._fetching.tell_of_changes()\n            return key",
            "return key",
            f"{EXCHANGE}test_rotated_is_told_whenever_another_key_serves_and_the_counter_agrees",
        ),
        (
            "no event `rotated` is sent when a lent key begins to serve",
            "self._fetching.tell_of_changes()\n        if recovered",
            "if recovered",
            f"{EXCHANGE}test_a_lent_key_that_the_api_accepts_serves_from_then_on",
        ),
        (
            "`refresh()` hides that the serving link failed",
            "error = flight.errors.get(self.keystate.serving.link)",
            "error = None",
            f"{ENGINE}test_refresh_fetches_now_and_tells_of_a_failure_without_dropping_the_key",
        ),
        (
            "an error that several callers share collects the frames of all of them",
            "raise error.with_traceback(None) from error.__cause__",
            "raise error",
            f"{RULES}test_an_error_that_many_refreshes_share_carries_no_frames_from_one_to_the_next",
        ),
    ),
}
