"""The engine and its fetches: who waits, for what, and what is told."""

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
            "the lock dropped in `get()`",
            "with self.lock:\n            self._check_open()\n            now, flight, key",
            f"with {UNLOCKED}:\n            self._check_open()\n            now, flight, key",
            LOCKED,
        ),
        (
            "the lock dropped in `reject()`",
            "with self.lock:\n            news = self.keystate.refused",
            f"with {UNLOCKED}:\n            news = self.keystate.refused",
            LOCKED,
        ),
        (
            "the lock dropped in `accept()`",
            "with self.lock:\n            recovered",
            f"with {UNLOCKED}:\n            recovered",
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
            "an empty start is not remembered",
            "elif flight is None and now < self.keystate.retry_at:",
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
            "who asks from inside a fetch waits for it",
            "if is_inside(self._events):",
            "if False:",
            f"{RULES}test_a_provider_that_asks_for_the_key_it_is_to_bring_is_told_so[get]",
        ),
        (
            "a key with a short life is not served to whoever waited for it",
            "if flight.key is not None:",
            "if False:",
            f"{RULES}test_who_waited_for_a_fetch_is_served_its_key_however_short_its_life",
        ),
        (
            "a start waits longer than the request may take",
            "yield Wait(flight.landed, _left(until))",
            "yield Wait(flight.landed)",
            f"{EXCHANGE}test_a_request_waits_no_longer_for_the_first_key_than_its_own_timeout",
        ),
        (
            "a fetch begun before the rejection answers it",
            "waits + 1, answered or flight.began > struck",
            "waits + 1, True",
            f"{ENGINE}test_a_fetch_that_began_before_the_rejection_is_no_answer_to_it",
        ),
        (
            "a fetch begun before `refresh()` answers it",
            "if flight.began >= asked:",
            "if True:",
            f"{RULES}test_refreshes_that_meet_a_fetch_under_way_wait_for_it_and_share_the_next",
        ),
        (
            "a rejection waits for flight after flight",
            "flight = None if other or waits == MOST_WAITS else",
            "flight = None if other else",
            f"{EXCHANGE}test_a_rejection_waits_for_one_fetch_under_way_and_one_of_its_own",
        ),
        (
            "a rejection waits for the fetch under way alone",
            "MOST_WAITS = 2",
            "MOST_WAITS = 1",
            f"{ENGINE}test_a_fetch_that_began_before_the_rejection_is_no_answer_to_it",
        ),
        (
            "a rejection waits longer than the request may take",
            "yield Wait(flight.landed, left)",
            "yield Wait(flight.landed)",
            f"{EXCHANGE}test_a_request_waits_no_longer_for_a_fetch_than_its_own_timeout",
        ),
        (
            "parole while a fetch is under way",
            "if other is None and flight is None and not self._fetching.closed:",
            "if other is None and not self._fetching.closed:",
            f"{ENGINE}test_no_parole_while_a_fetch_is_under_way_that_may_bring_a_better_key",
        ),
        (
            "a pause goes beyond the request's own timeout",
            "if pause <= 0 or (left is not None and left <= pause):",
            "if pause <= 0:",
            f"{EXCHANGE}test_no_pause_goes_beyond_the_requests_own_timeout",
        ),
        (
            "a request is patient longer than `patience`",
            "return min(of_request, self.keystate.known.seconds_of_patience(self.clock()))",
            "return self.keystate.known.seconds_of_patience(self.clock())",
            f"{EXCHANGE}test_patience_ends_with_its_window_and_the_next_request_has_the_error_at_once",
        ),
        (
            "patience without a sign that replicas disagree",
            "return min(of_request, self.keystate.known.seconds_of_patience(self.clock()))",
            "return of_request",
            f"{EXCHANGE}test_a_dead_key_without_a_sign_of_lagging_replicas_is_sent_once",
        ),
        (
            "a request that is patient asks no store again",
            "flight = self._fetching.begin(key) if may_fetch else self.flight",
            "flight = self.flight",
            f"{EXCHANGE}test_a_second_rotation_while_a_request_is_patient_is_found",
        ),
        (
            "an outage is warned of with each request",
            "if news:\n            self.diagnosis.of_outage(key)",
            "if True:\n            self.diagnosis.of_outage(key)",
            f"{EXCHANGE}test_an_outage_of_the_keys_is_warned_of_once_and_ends_with_one_recovery[1]",
        ),
        (
            "nobody is told that the API accepts a key again",
            'if recovered:\n            self._events.emit("recovered", key)\n',
            "",
            f"{EXCHANGE}test_an_outage_of_the_keys_is_warned_of_once_and_ends_with_one_recovery[1]",
        ),
        (
            "each first acceptance is told as a recovery",
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
            "an acceptance counts from when it came, not from when the request was sent",
            "self.accept(key, sent)",
            "self.accept(key)",
            f"{EXCHANGE}test_an_acceptance_of_a_request_sent_before_the_refusal_proves_nothing",
        ),
        (
            "after a refusal no further acceptance is noted",
            "            self._accepted = None\n",
            "",
            f"{EXCHANGE}test_a_key_that_is_accepted_refused_and_accepted_is_fresh",
        ),
        (
            "a fall back is not told as a rotation",
            "self._fetching.tell_of_changes()\n        return other",
            "return other",
            f"{EXCHANGE}test_rotated_is_told_whenever_another_key_serves_and_the_counter_agrees",
        ),
        (
            "a trial is not told as a rotation",
            "self._fetching.tell_of_changes()\n            return key",
            "return key",
            f"{EXCHANGE}test_rotated_is_told_whenever_another_key_serves_and_the_counter_agrees",
        ),
        (
            "a lent key that comes to serve is not told as a rotation",
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
            "an error that many share carries frames from one to the next",
            "raise error.with_traceback(None) from error.__cause__",
            "raise error",
            f"{RULES}test_an_error_that_many_refreshes_share_carries_no_frames_from_one_to_the_next",
        ),
    ),
    "Fetches: `fetching.py`": of(
        "fetching.py",
        (
            "no single flight at a start: each caller fetches",
            "if self.flight is not None:\n            return",
            "if self.flight is not None and self._keystate.serving.key is not None:\n            return",
            f"{RULES}test_refreshes_that_meet_a_fetch_under_way_wait_for_it_and_share_the_next",
        ),
        (
            "no single flight for a scheduled refresh",
            "if self.flight is not None:\n            return",
            "if self.flight is not None and self._keystate.serving.key is None:\n            return",
            f"{ENGINE}test_past_its_ttl_the_key_is_served_at_once_while_one_fetch_runs",
        ),
        (
            "no single flight for a rejection",
            "if self.flight is not None:\n            return",
            "if self.flight is not None and rejected is None:\n            return",
            f"{ENGINE}test_threads_and_tasks_that_meet_the_same_rejection_cause_one_fetch",
        ),
        (
            "the lock held during I/O",
            "with lines.keep(), inside",
            "with self._lock, lines.keep(), inside",
            f"{ENGINE}test_past_its_ttl_the_key_is_served_at_once_while_one_fetch_runs",
        ),
        (
            "the chain's walk ignores the quarantine",
            "passed = self._keystate.known.quarantined(key)",
            "passed = False",
            f"{ENGINE}test_a_link_whose_key_is_in_quarantine_is_passed_over",
        ),
        (
            "a failed link is asked twice",
            "                key = link.fetch(flight.rejected, self._fetch_timeout)",
            "                with suppress(CredentialsError):\n"
            "                    link.fetch(flight.rejected, self._fetch_timeout)\n"
            "                key = link.fetch(flight.rejected, self._fetch_timeout)",
            f"{ENGINE}test_a_failed_refresh_keeps_the_key_backs_off_and_warns_once",
        ),
        (
            "a scheduled refresh asks no higher link",
            "for number, link in enumerate(self._links[: self._reach(flight)]):\n            try:",
            "for number, link in list(enumerate(self._links[: self._reach(flight)]))"
            "[max(0, self._keystate.serving.link):]:\n            try:",
            f"{ENGINE}test_a_call_that_hangs_is_replaced_twice_and_no_more",
        ),
        (
            "without a thread, links are blamed that no fetch would ask",
            "for number, link in enumerate(self._links[: self._reach(flight)]):\n            flight.errors",
            "for number, link in enumerate(self._links):\n            flight.errors",
            "integration/test_faults.py::"
            "test_in_a_refresh_the_old_key_is_served_and_one_warning_tells_of_the_outage[disk-out-of-threads]",
        ),
        (
            "a launch without a thread is the caller's error",
            "flight.stillborn = error",
            "self.flight = None\n            raise",
            "integration/test_processes.py::"
            "test_a_process_out_of_threads_serves_the_key_it_has_and_says_why_it_has_none",
        ),
        (
            "a launch without a thread is never over",
            "            self._settle(flight, None, [])\n            flight.landed.land()",
            "            flight.landed.land()",
            f"{RULES}test_a_launch_without_a_thread_is_over_and_the_next_one_may_succeed",
        ),
        (
            "an interrupt amid the launch leaves a fetch that never lands",
            "            # Nobody else has seen it yet: whoever asks next begins another.\n            self.flight = None\n",
            "",
            f"{RULES}test_an_interrupt_at_any_place_leaves_nobody_waiting[get]",
        ),
        (
            "a fetch under way revives a closed provider",
            "if not self.closed:",
            "if True:",
            f"{RULES}test_a_fetch_that_ends_after_the_close_leaves_no_key_behind",
        ),
        (
            "who fails when told of a fetch leaves the waiters waiting",
            "        finally:\n            flight.landed.land()",
            "        except ZeroDivisionError:\n            pass\n        else:\n            flight.landed.land()",
            "integration/test_faults.py::test_who_is_told_of_a_fetch_and_fails_leaves_nobody_waiting[sync-record factory]",
        ),
        (
            "a fetch logs before it has landed",
            "with lines.keep(), inside",
            "with inside",
            "integration/test_events.py::test_who_asks_with_a_handlers_lock_held_waits_for_no_record",
        ),
        (
            "who waits for a fetch waits for its listeners",
            '"genai-credentials-events")], TELLING)',
            '"genai-credentials-events")])',
            "integration/test_events.py::test_a_listener_that_hangs_holds_up_nobody",
        ),
        (
            "a fetch has landed before anyone was told of it",
            "            self._tell(lines)\n        finally:\n            flight.landed.land()",
            "            pass\n        finally:\n            flight.landed.land()\n            self._tell(lines)",
            "integration/test_events.py::test_who_waited_for_a_fetch_goes_on_once_a_quick_listener_has_heard_of_it",
        ),
        (
            "a fork waits for a listener that is told of a fetch",
            "            forks.stand_aside()\n",
            "",
            "integration/test_processes.py::test_a_fork_waits_for_no_handler_that_hangs",
        ),
        (
            "no fork handler: the child waits for the parent's fetch",
            '"""Drop the fetch whose thread stayed behind."""\n        self.flight = None',
            '"""Drop the fetch whose thread stayed behind."""',
            "integration/test_processes.py::test_a_fork_in_the_middle_of_a_fetch_deadlocks_nobody",
        ),
    ),
}
