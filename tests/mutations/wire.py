"""The wire: one request's life, the rejection table, who may have the key, and where it may travel."""

from __future__ import annotations

from .mutation import of

EXCHANGE = "unit/test_exchange.py::"
REJECTION = "unit/test_rejection.py::"
POLICY = "integration/test_one_policy.py::"
TRAVEL = "integration/test_travel.py::"
PROXIES = "integration/test_proxies.py::"
LIVE = "integration/test_live.py::"

SECTIONS = {
    "One request: `client/exchange.py`": of(
        "client/exchange.py",
        (
            "a request is sent with a fourth key",
            "if other is None or len(tried) >= MOST_SENDS:",
            "if other is None:",
            f"{EXCHANGE}test_a_request_is_sent_with_at_most_three_keys",
        ),
        (
            "a request whose body is consumed is sent again",
            "        if not replayable():\n            return None\n",
            "",
            f"{EXCHANGE}test_a_body_that_is_gone_is_sent_once_and_the_key_is_fetched_all_the_same",
        ),
        (
            "a request whose body is consumed fetches nothing, so the next request is refused too",
            "        other = yield from engine.reject_steps(key, tried, until)\n"
            "        if not replayable():\n            return None\n",
            "        if not replayable():\n            return None\n"
            "        other = yield from engine.reject_steps(key, tried, until)\n",
            f"{EXCHANGE}test_a_body_that_is_gone_is_sent_once_and_the_key_is_fetched_all_the_same",
        ),
        (
            "each request counts as sent before every refusal",
            "sent = engine.tick",
            "sent = 0",
            f"{EXCHANGE}test_after_one_stray_refusal_the_accepted_key_is_out_of_quarantine",
        ),
        (
            "the second round of attempts leaves out the keys of the first",
            "tried, pause = set(), pause * 2",
            "pause = pause * 2",
            f"{EXCHANGE}test_each_round_begins_anew_with_every_key",
        ),
        (
            "the pause between two rounds of attempts does not double",
            "tried, pause = set(), pause * 2",
            "tried = set()",
            f"{EXCHANGE}test_patience_ends_with_its_window_and_the_next_request_has_the_error_at_once",
        ),
        (
            "`patience` is ignored",
            "other = yield from engine.another_try_steps(key, refused_at, pause, until)",
            "other = None",
            f"{EXCHANGE}test_a_key_that_has_just_followed_another_is_sent_again_until_replicas_know_it",
        ),
        (
            "an outage is not reported when a request ends with a refusal",
            "if other is None:\n            return engine.gave_up(key)",
            "if other is None:\n            return None",
            f"{EXCHANGE}test_an_outage_of_the_keys_is_warned_of_once_and_ends_with_one_recovery[1]",
        ),
        (
            "a request is sent more than 18 times within `patience`, and httpx raises TooManyRedirects",
            "if sends == MOST_IN_ALL:",
            "if False:",
            f"{EXCHANGE}test_a_patient_request_is_sent_less_often_than_httpx_would_follow_redirects",
        ),
        (
            "a request without the placeholder gets the key",
            "if len(others) == len(values):",
            "if False:",
            f"{EXCHANGE}test_who_may_have_the_key",
        ),
        (
            "a key that the caller put beside the placeholder is replaced",
            "    if others:\n        return Claim.THEIRS\n",
            "",
            f"{EXCHANGE}test_who_may_have_the_key",
        ),
        (
            "a request to another origin gets the key",
            "return Claim.OURS if is_home else Claim.FOREIGN",
            "return Claim.OURS",
            f"{EXCHANGE}test_who_may_have_the_key",
        ),
        (
            "a request with two placeholders gets no key",
            "if len(others) == len(values):",
            "if len(others) == len(values) or len(values) - len(others) > 1:",
            f"{EXCHANGE}test_who_may_have_the_key",
        ),
        (
            "the placeholder is treated as a key of the caller",
            "return next(value for value in values if value not in placeholders)",
            "return values[0]",
            f"{EXCHANGE}test_who_may_have_the_key",
        ),
    ),
    "The verdict on an answer: `rejection.py`": of(
        "rejection.py",
        (
            "a 5xx counts as an acceptance",
            "if 200 <= status < 300:",
            "if 200 <= status < 300 or status >= 500:",
            f"{EXCHANGE}test_an_answer_that_judges_nothing_keeps_the_rescue_by_the_earlier_version",
        ),
        (
            "a redirect counts as an acceptance",
            "if 200 <= status < 300:",
            "if 200 <= status < 400:",
            f"{EXCHANGE}test_an_answer_that_judges_nothing_keeps_the_rescue_by_the_earlier_version",
        ),
        (
            "an error of the API that names another cause does not count as an acceptance",
            "    if status in (404, 429):\n        return ACCEPTED if answer.code in _TAKEN else UNTOUCHED",
            "    if status in (404, 429):\n        return UNTOUCHED",
            f"{EXCHANGE}test_an_answer_that_shows_that_the_key_was_taken_ends_it",
        ),
        (
            "words of the user's prompt count as words of the API",
            'return "API_KEY_INVALID" if NOT_VALID.match(answer.message) else ""',
            'return "API_KEY_INVALID" if NOT_VALID.pattern and __import__("re").search('
            'NOT_VALID.pattern, answer.message) else ""',
            f"{REJECTION}test_what_a_user_wrote_is_no_rejection",
        ),
        (
            "the message of a 403 is not read",
            "    cause = said(answer.message)\n    if cause and ROWS[cause]",
            '    cause = ""\n    if cause and ROWS[cause]',
            f"{REJECTION}test_the_table",
        ),
        (
            "every 403 refuses the key",
            "return Verdict(row.verdict == REFUSED, cause, row.remedy, row.proves)",
            "return Verdict(True, cause, row.remedy, row.proves)",
            f"{REJECTION}test_the_table",
        ),
        (
            "a JSON body that is a list is not read",
            "document = document[0]",
            "pass",
            f"{REJECTION}test_what_the_api_answers_as_bytes_text_and_list",
        ),
        (
            "a close of a WebSocket with any code can refuse the key",
            "if code not in (1007, 1008):",
            "if False:",
            f"{REJECTION}test_a_close_means_what_its_message_says",
        ),
    ),
    "The hosts that may get a key: `client/origins.py`": of(
        "client/origins.py",
        (
            "the key is sent over plain http to another machine",
            'if scheme == "http" and not allow_plain_http and not is_loopback(host):',
            "if False:",
            "unit/test_origins.py::test_plain_http_to_another_machine_is_refused_unless_accepted",
        ),
        (
            "a host whose name begins with `localhost` or `127.` counts as this machine",
            'return host == "localhost" or ip_address(host).is_loopback',
            'return host.startswith(("localhost", "127."))',
            "unit/test_origins.py::test_plain_http_to_another_machine_is_refused_unless_accepted",
        ),
    ),
    "httpx: `client/httpx_auth.py`": of(
        "client/httpx_auth.py",
        (
            "a redirect sends the key to another origin",
            "if signed_for is None or signed_for is request.url or origin(request.url) in self.home:",
            "if True:",
            f"{TRAVEL}test_a_redirect_to_another_origin_goes_without_the_key[307-as_client-generate]",
        ),
        (
            "an answer from another origin counts as an acceptance",
            "if last is not request and (origin(last.url) != origin(request.url) or not self.carried(last)):",
            "if False:",
            f"{TRAVEL}test_an_answer_from_another_origin_does_not_vouch_for_the_key[generate]",
        ),
        (
            "an answer after a redirect to another origin and back counts for or against the key",
            " or not self.carried(last)):",
            "):",
            f"{TRAVEL}test_the_way_back_from_another_origin_does_not_judge_the_key[generate]",
        ),
        (
            "a plain-http request goes through a proxy",
            "return suspect and SIGNED not in request.extensions",
            "return False",
            f"{PROXIES}test_a_bare_auth_gives_no_key_to_a_proxy_in_the_clear",
        ),
        (
            "the placeholder is sent beside the caller's own key",
            "request.headers[self.header] = own_key(values, placeholders).decode(request.headers.encoding)",
            "pass",
            f"{TRAVEL}test_a_key_of_ones_own_for_one_request_is_left_alone",
        ),
        (
            "a child shares the parent's connections to the API",
            "                self._connections.note(response)\n",
            "",
            "integration/test_processes.py::test_each_child_gets_its_own_answers_of_the_api",
        ),
    ),
    "aiohttp: `client/aiohttp_auth.py`": of(
        "client/aiohttp_auth.py",
        (
            "a plain-http request goes through a proxy",
            "request.proxy = None",
            "pass",
            f"{PROXIES}test_the_environments_proxy_never_reads_the_key[HTTP_PROXY-aask]",
        ),
        (
            "a request to another origin gets the key",
            "is_home=origin(cast(URL, request.url)) in self._auth.home",
            "is_home=True",
            f"{TRAVEL}test_a_base_url_of_one_request_gets_no_key_and_one_warning",
        ),
    ),
    "WebSockets: `client/sockets.py`": of(
        "client/sockets.py",
        (
            "a redirect sends the key to another origin",
            'if not {(scheme, uri.host, uri.port), ("http", uri.host, uri.port)} & home:',
            "if False:",
            f"{LIVE}test_a_redirect_to_another_origin_carries_no_key_and_says_nothing_about_it",
        ),
        (
            "a refusal by another origin counts against the key",
            "verdict = None if hop.foreign else await",
            "verdict = await",
            f"{LIVE}test_a_redirect_to_another_origin_carries_no_key_and_says_nothing_about_it",
        ),
        (
            "after one failure, a client for WebSockets is never built again",
            " or _has_failed(self._current[1]())",
            "",
            f"{LIVE}test_a_client_that_could_not_be_built_is_built_again",
        ),
    ),
    "The Auth for other HTTP clients: `client/lone_auth.py`": of(
        "client/lone_auth.py",
        (
            "httpx copies a custom header to another origin",
            " if name.lower() != self._kept]",
            "]",
            f"{POLICY}test_a_header_of_ones_own_stays_home_on_a_transport_that_tells_of_no_hops",
        ),
        (
            "after a redirect, only one value of a repeated header is sent",
            "self._headers.multi_items()",
            "self._headers.items()",
            f"{POLICY}test_the_rest_of_the_headers_is_there_on_each_hop",
        ),
        (
            "a redirect within the origin is sent without the key",
            "hop.headers.append((self._header.encode(), self._value.encode()))",
            "pass",
            f"{TRAVEL}test_a_bare_auth_keeps_the_key_on_a_redirect_at_home",
        ),
        (
            "a redirect sends the key to another origin",
            " and origin(url_of(hop)) == origin(self._request.url):",
            ":",
            f"{TRAVEL}test_a_bare_auth_stays_home",
        ),
    ),
    "The user's own Auth: `client/both_auths.py`": of(
        "client/both_auths.py",
        (
            "the asynchronous generator of the user's Auth is not closed",
            "                async with aclosing(self._theirs.async_auth_flow(signed)) as theirs:\n"
            "                    sending = await anext(theirs)",
            "                theirs = self._theirs.async_auth_flow(signed)\n"
            "                if True:\n"
            "                    sending = await anext(theirs)",
            f"{POLICY}test_an_auth_of_theirs_is_closed_in_order_also_when_the_request_fails",
        ),
    ),
}
