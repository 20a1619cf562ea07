"""The fetches: one at a time, along the chain, and what is told of them."""

from __future__ import annotations

from .mutation import of

RULES = "unit/test_engine_rules.py::"
ENGINE = "unit/test_engine.py::"

SECTIONS = {
    "Fetches: `fetching.py`": of(
        "fetching.py",
        (
            "at a start, each caller makes its own fetch",
            "if self.flight is not None:\n            return",
            "if self.flight is not None and self._keystate.serving.key is not None:\n            return",
            f"{RULES}test_refreshes_that_meet_a_fetch_under_way_wait_for_it_and_share_the_next",
        ),
        (
            "in a scheduled refresh, each caller makes its own fetch",
            "if self.flight is not None:\n            return",
            "if self.flight is not None and self._keystate.serving.key is None:\n            return",
            f"{ENGINE}test_past_its_ttl_the_key_is_served_at_once_while_one_fetch_runs",
        ),
        (
            "after a refusal, each caller makes its own fetch",
            "if self.flight is not None:\n            return",
            "if self.flight is not None and rejected is None:\n            return",
            f"{ENGINE}test_no_parole_while_a_fetch_is_under_way_that_may_bring_a_better_key",
        ),
        (
            "the lock is held during I/O",
            "with lines.keep(), inside",
            "with self._lock, lines.keep(), inside",
            f"{ENGINE}test_past_its_ttl_the_key_is_served_at_once_while_one_fetch_runs",
        ),
        (
            "a fetch takes a key that is in quarantine although a lower link has another key",
            "passed = self._keystate.known.quarantined(key)",
            "passed = False",
            f"{ENGINE}test_a_link_whose_key_is_in_quarantine_is_passed_over",
        ),
        (
            "a failed link is asked twice",
            "                key = self._ask(flight, number)",
            "                with suppress(CredentialsError):\n"
            "                    self._ask(flight, number)\n"
            "                key = self._ask(flight, number)",
            f"{ENGINE}test_a_failed_refresh_keeps_the_key_backs_off_and_warns_once",
        ),
        (
            "a scheduled refresh does not ask the links above the serving link",
            "for number, link in enumerate(self._links[: self._reach(flight)]):\n            try:",
            "for number, link in list(enumerate(self._links[: self._reach(flight)]))"
            "[max(0, self._keystate.serving.link):]:\n            try:",
            f"{ENGINE}test_a_call_that_hangs_is_replaced_twice_and_no_more",
        ),
        (
            "if no thread can start, the error names links that the fetch would not have asked",
            "for number, link in enumerate(self._links[: self._reach(flight)]):\n            flight.errors",
            "for number, link in enumerate(self._links):\n            flight.errors",
            "integration/test_faults.py::"
            "test_in_a_refresh_the_old_key_is_served_and_one_warning_tells_of_the_outage[disk-out-of-threads]",
        ),
        (
            "if no thread can start, the caller gets an error although a key serves",
            "flight.stillborn = error",
            "self.flight = None\n            raise",
            "integration/test_processes.py::"
            "test_a_process_out_of_threads_serves_the_key_it_has_and_says_why_it_has_none",
        ),
        (
            "if no thread can start, the fetch counts as running for ever",
            "            self._settle(flight, None, [])\n            flight.landed.land()",
            "            flight.landed.land()",
            f"{RULES}test_a_launch_without_a_thread_is_over_and_the_next_one_may_succeed",
        ),
        (
            "after an interrupt at the start of a fetch, the fetch counts as running for ever",
            "            self.flight = None\n            raise\n",
            "            raise\n",
            f"{RULES}test_an_interrupt_at_any_place_leaves_nobody_waiting[get]",
        ),
        (
            "a fetch that ends after `close()` stores its key",
            "if not self.closed:",
            "if True:",
            f"{RULES}test_a_fetch_that_ends_after_the_close_leaves_no_key_behind",
        ),
        (
            "if a listener raises after a fetch, the waiting callers wait for ever",
            "        finally:\n            flight.landed.land()",
            "        except ZeroDivisionError:\n            pass\n        else:\n            flight.landed.land()",
            "integration/test_faults.py::"
            "test_who_is_told_of_a_fetch_and_fails_leaves_nobody_waiting[sync-record factory]",
        ),
        (
            "a fetch writes log records before it has ended",
            "with lines.keep(), inside",
            "with inside",
            "unit/test_under_fire.py::test_a_log_handler_that_asks_for_the_key_under_its_own_lock_hangs_nobody",
        ),
        (
            "callers that wait for a fetch also wait for slow listeners",
            '"genai-credentials-events")], TELLING)',
            '"genai-credentials-events")])',
            "unit/test_under_fire.py::test_a_listener_that_sleeps_holds_no_caller",
        ),
        (
            "waiting callers continue before the log records and events of the fetch are written",
            "            self._tell(lines)\n        finally:\n            flight.landed.land()",
            "            pass\n        finally:\n            flight.landed.land()\n            self._tell(lines)",
            "integration/test_events.py::test_who_waited_for_a_fetch_goes_on_once_a_quick_listener_has_heard_of_it",
        ),
        (
            "a fork waits for a listener of a fetch",
            "            forks.stand_aside()\n",
            "",
            "integration/test_processes.py::test_a_fork_waits_for_no_handler_that_hangs",
        ),
        (
            "a forked child waits for its parent's fetch",
            "        self.flight = None\n        self._keystate.random.seed()",
            "        self._keystate.random.seed()",
            "integration/test_processes.py::test_a_fork_in_the_middle_of_a_fetch_deadlocks_nobody",
        ),
    ),
}
