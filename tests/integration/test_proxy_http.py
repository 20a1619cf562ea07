"""Requests through the proxy: what is changed, what is sent again, how streams pass and break, and how it counts."""

import contextlib
import gzip
import json
import os
import socket
import threading
import time

import pytest
from running_proxy import RunningProxy, Script, answering, body_of, received, status_of, until

from genai_credentials.testing import REFUSALS, FakeGemini, RotatingCredentials

KEY = "AIzaExampleKey0001"
ASK = "/v1beta/models/gemini-2.5-flash:generateContent"
MIB = 1024 * 1024
BROKEN_OFF = int(os.environ.get("PROXY_TEST_BROKEN_OFF", "1000"))
OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"


@contextlib.contextmanager
def before(upstream, tmp_path, *arguments, **environ):
    """A proxy before this URL."""
    with RunningProxy(tmp_path, "--upstream", upstream, *arguments, **{"GEMINI_API_KEY": KEY, **environ}) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def gemini():
    with FakeGemini() as server:
        yield server


@pytest.fixture
def api(gemini):
    """One API for all, which answers as at its start."""
    gemini.refuse_with("API_KEY_INVALID")
    return gemini


@pytest.fixture(scope="module")
def running(gemini, tmp_path_factory):
    """A chain and a proxy for all: each test may rotate."""
    path = tmp_path_factory.mktemp("rotating")
    with (
        RotatingCredentials(gemini, path) as rotating,
        RunningProxy(path, "--upstream", gemini.base_url, **rotating.environment) as proxy,
    ):
        yield rotating, proxy


@pytest.fixture
def rotating(running, api):
    """The chain; what a test revoked is followed by a rotation."""
    yield running[0]
    if running[0].key not in api.keys:
        running[0].rotate()
        # The refusal of a key that nothing better was found for is looked into again after 5 s.
        until(lambda: status_of(running[1].request("GET /v1beta/models")) == 200, 15)


@pytest.fixture
def proxy(running):
    return running[1]


@pytest.fixture(scope="module")
def scripted(tmp_path_factory):
    with Script(lambda sock: None) as script:
        path = tmp_path_factory.mktemp("scripted")
        with RunningProxy(path, "--upstream", script.url, GEMINI_API_KEY=KEY) as proxy:
            yield script, proxy


@pytest.fixture
def script(scripted):
    """An API whose every byte a test decides, before `plain`."""
    scripted[0].seen.clear()
    return scripted[0]


@pytest.fixture
def plain(scripted):
    return scripted[1]


def opened(proxy, head):
    """A socket on which a request was begun."""
    sock = socket.create_connection(("127.0.0.1", proxy.port), 5)
    first, *headers = head.split("\n")
    lines = [f"{first} HTTP/1.1", "Host: localhost", f"x-goog-api-key: {proxy.token}", *headers, "", ""]
    sock.sendall("\r\n".join(lines).encode())
    return sock


def read_to_the_end(sock):
    """All, and the error that a break is."""
    while sock.recv(65536):
        pass


# What is changed


TARGETS = [
    "/v1beta/models",
    "//ws/a//b",
    "/a/../b/./c",
    "/a%2Fb;c=d",
    "/a?",
    "/a?x=%41+%20&&y=&=z",
    "/a?b?c",
    "/a?key2=x&Key=y",
]


def test_the_target_the_headers_and_the_body_arrive_to_the_byte(script, plain):
    script.answer_with(OK)
    for target in TARGETS:
        assert status_of(plain.request(f"GET {target}")) == 200
        assert script.seen[-1].startswith(f"GET {target} HTTP/1.1\r\n".encode())
    plain.request("POST /x\nX-Unicode: ä\nCooKie: a=b\nX-Twice: 1\nX-Twice: 2\nContent-Length: 3", b"\x00\xffa")
    head, _, body = script.seen[-1].partition(b"\r\n\r\n")
    assert body == b"\x00\xffa"
    lines = head.decode().split("\r\n")[1:]
    assert lines == [
        f"Host: {script.url.removeprefix('http://')}",
        "X-Unicode: ä",
        "CooKie: a=b",
        "X-Twice: 1",
        "X-Twice: 2",
        "Content-Length: 3",
        f"x-goog-api-key: {KEY}",
    ]


def test_a_header_that_is_repeated_in_another_spelling_arrives_with_all_its_values(script, plain):
    script.answer_with(OK)
    plain.request("POST /x\nX-Twice: 1\nX-Other: a\nx-twice: 2\nX-TWICE: 3\nContent-Length: 0")
    lines = script.seen[-1].decode().split("\r\n")
    assert [line.partition(": ")[2] for line in lines if line.lower().startswith("x-twice")] == ["1", "2", "3"]


def test_an_upstream_may_have_a_path(tmp_path):
    with answering(OK) as api, before(f"{api.url}/gateway/", tmp_path) as proxy:
        for target in TARGETS:
            proxy.request(f"GET {target}")
            assert api.seen[-1].startswith(f"GET /gateway{target} HTTP/1.1\r\n".encode())


def test_headers_of_one_connection_go_no_further_in_either_direction(script, plain):
    answer = b"HTTP/1.1 200 Fine Indeed\r\nConnection: x-hop, close\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nX-End: \xc3\xa4\r\n"
    answer += b"Set-Cookie: a=b\r\nset-cookie: c=d\r\nContent-Length: 0\r\n\r\n"
    headers = "Connection: X-Named\nX-Named: 1\nTE: trailers\nProxy-Authorization: Basic eA==\nUpgrade: h2c\nX-Kept: 1"
    script.answer_with(answer)
    got = plain.request(f"GET /x\n{headers}")
    sent = script.seen[-1].lower()
    assert b"x-kept: 1" in sent
    for name in (b"x-named", b"te:", b"proxy-authorization", b"upgrade", b"connection"):
        assert b"\r\n" + name not in sent
    lines = got.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 200 Fine Indeed"
    assert lines[1:] == [
        b"X-End: \xc3\xa4",
        b"Set-Cookie: a=b",
        b"set-cookie: c=d",
        b"Content-Length: 0",
        b"Connection: close",
    ]


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ("gzip, br", "gzip"),
        ("br", "identity"),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", "gzip;q=0.8"),
        ("zstd, deflate", "deflate"),
    ],
)
def test_encodings_are_narrowed_to_those_that_can_be_read(asked, sent, script, plain):
    script.answer_with(OK)
    plain.request(f"GET /x\nAccept-Encoding: {asked}")
    assert f"\r\nAccept-Encoding: {sent}\r\n".encode() in script.seen[-1]


def test_the_paths_for_openais_clients_get_the_key_as_a_bearer(proxy, api, rotating):
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()
    answer = proxy.request(f"POST /v1beta/openai/chat/completions\nContent-Length: {len(body)}", body)
    assert b"pong: hi" in answer
    assert api.requests[-1].header("authorization") == f"Bearer {rotating.key}"
    assert api.requests[-1].header("x-goog-api-key") is None


def test_no_cookie_is_kept(script, plain):
    answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 0\r\n\r\n"
    script.answer_with(answer)
    for _ in range(2):
        plain.request("GET /x")
    assert b"ookie" not in script.seen[-1]


@pytest.mark.parametrize("status", [204, 304, 301, 404, 429, 500, 503])
def test_any_status_passes_and_no_redirect_is_followed(status, script, plain):
    length = b"" if status in (204, 304) else b"Content-Length: 0\r\n"
    answer = f"HTTP/1.1 {status} So It Is\r\nLocation: /elsewhere\r\n".encode() + length + b"\r\n"
    script.answer_with(answer)
    got = plain.request("GET /x")
    assert got.startswith(f"HTTP/1.1 {status} So It Is\r\nLocation: /elsewhere\r\n".encode())
    assert len(script.seen) == 1


def test_a_redirect_within_the_upstream_leads_back_here_and_any_other_stays(script, plain):
    for location, expected in (
        (f"{script.url}/a//b?c#d", f"http://127.0.0.1:{plain.port}/a//b?c#d"),
        ("https://elsewhere.example/a", "https://elsewhere.example/a"),
        ("/relative?x", "/relative?x"),
    ):
        script.answer_with(f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode())
        assert f"\r\nLocation: {expected}\r\n".encode() in plain.request("GET /x")


# What is sent again


@pytest.mark.parametrize("refusal", [name for name, row in REFUSALS.items() if row.verdict == "rejected"])
def test_a_refusal_of_the_key_is_answered_with_the_next_key(refusal, proxy, api, rotating):
    assert status_of(proxy.request("GET /v1beta/models")) == 200
    rotating.rotate(refusal)
    body = b'{"contents": [{"parts": [{"text": "hi"}]}]}'
    assert b"pong: hi" in proxy.request(f"POST {ASK}\nContent-Length: {len(body)}", body)
    assert [request.body for request in api.requests[-2:]] == [body, body]


@pytest.mark.parametrize("form", [{"encoding": "gzip"}, {"chunked": True}, {"as_list": True}, {"truncate": 120}])
def test_a_refusal_is_understood_in_each_form(form, proxy, api, rotating):
    api.refuse_with("API_KEY_INVALID", **form)
    proxy.request("GET /v1beta/models")
    rotating.rotate()
    assert status_of(proxy.request("GET /v1beta/models\nAccept-Encoding: gzip")) == 200


@pytest.mark.parametrize("refusal", ["SERVICE_DISABLED", "bad_request", "quota_429", "not_found"])
def test_an_answer_that_is_not_about_the_key_passes_unchanged(refusal, proxy, api):
    row = REFUSALS[refusal]
    known = len(api.requests)
    api.answer_next(row.status, row.body)
    answer = proxy.request("GET /v1beta/models")
    assert (status_of(answer), body_of(answer)) == (row.status, row.body)
    assert len(api.requests) == known + 1


def test_when_no_key_is_left_the_apis_own_refusal_passes(proxy, api, rotating):
    proxy.request("GET /v1beta/models")
    api.revoke(rotating.key)
    answer = proxy.request("GET /v1beta/models")
    assert (status_of(answer), body_of(answer)) == (400, REFUSALS["API_KEY_INVALID"].body_for(rotating.key))


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize(("size", "times"), [(MIB, 2), (MIB + 1, 1)])
def test_a_body_is_sent_again_as_long_as_it_fits_into_a_mebibyte(framing, size, times, proxy, api, rotating):
    proxy.request("GET /v1beta/models")
    rotating.rotate()
    body, known = b"x" * size, len(api.requests)
    if framing == "chunked":
        sent = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:7], body[7:])) + b"0\r\n\r\n"
        answer = proxy.request(f"POST {ASK}\nTransfer-Encoding: chunked", sent)
    else:
        answer = proxy.request(f"POST {ASK}\nContent-Length: {size}", body)
    assert status_of(answer) == (200 if times == 2 else 400)
    assert [len(request.body) for request in api.requests[known:]] == [size] * times
    # A body that went once has still had the key fetched.
    assert status_of(proxy.request("GET /v1beta/models")) == 200
    assert api.requests[-1].key == rotating.key


def test_a_post_is_never_sent_again_for_anything_but_a_refusal(script, plain):
    def hang_up(sock):
        script.head(sock)

    script.serve = hang_up
    assert status_of(plain.request("POST /x\nContent-Length: 2", b"{}")) == 502
    assert len(script.seen) == 1


def test_a_request_with_little_time_does_not_wait_for_a_fetch(api, tmp_path):
    with RotatingCredentials(api, tmp_path) as rotating:
        api.revoke(rotating.key)
        with RunningProxy(tmp_path, "--upstream", api.base_url, **rotating.environment) as proxy:
            begun = time.monotonic()
            assert status_of(proxy.request("GET /v1beta/models\nX-Server-Timeout: 1")) == 400
            assert time.monotonic() - begun < 3


# Secrets in answers


@pytest.mark.parametrize("encoding", [None, "gzip"])
def test_a_refusal_that_repeats_the_key_has_it_starred_out(encoding, proxy, api, rotating):
    api.refuse_with("CONSUMER_SUSPENDED", encoding=encoding)
    key = rotating.key
    api.revoke(key)
    answer = proxy.request("GET /v1beta/models\nAccept-Encoding: gzip")
    assert status_of(answer) == 403
    assert key.encode() not in answer
    expected = REFUSALS["CONSUMER_SUSPENDED"].body_for(key).replace(key.encode(), b"*" * len(key))
    assert body_of(answer) == expected
    assert key not in proxy.log


@pytest.mark.parametrize("status", [200, 404, 500])
def test_a_key_that_comes_back_in_two_pieces_is_starred_out(status, script, plain):
    def serve(sock):
        script.head(sock)
        sock.sendall(
            f"HTTP/1.1 {status} X\r\nX-Echo: {KEY}\r\nContent-Length: {len(KEY) + 6}\r\n\r\nyou{KEY[:9]}".encode()
        )
        time.sleep(0.2)
        sock.sendall(f"{KEY[9:]}end".encode())

    script.serve = serve
    answer = plain.request("GET /x")
    assert body_of(answer) == b"you" + b"*" * len(KEY) + b"end"
    assert KEY.encode() not in answer


# Streams


def test_each_chunk_of_an_answer_passes_when_it_comes(proxy, api):
    with api.hold_streams(), opened(proxy, f"GET {ASK.replace('generateC', 'streamGenerateC')}?alt=sse") as sock:
        sock.close()
    body = b'{"contents": [{"parts": [{"text": "hi"}]}]}'
    head = f"POST {ASK.replace('generateC', 'streamGenerateC')}?alt=sse\nContent-Length: {len(body)}\nConnection: close"
    with api.hold_streams(), opened(proxy, head) as sock:
        sock.sendall(body)
        sock.settimeout(5)
        first = b""
        while b"pong" not in first:
            first += sock.recv(65536)
        api.stream_gate.set()
        assert b'"hi"' in received(sock)


def test_headers_alone_pass_when_they_come(script, plain):
    go = threading.Event()

    def serve(sock):
        script.head(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        go.wait(5)
        sock.sendall(b"data: 1\n\n")

    script.serve = serve
    with opened(plain, "GET /x\nConnection: close") as sock:
        sock.settimeout(5)
        head = sock.recv(65536)
        assert head.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
        go.set()
        assert b"data: 1\n\n" in received(sock)


def test_each_chunk_of_a_request_passes_when_it_comes(script, plain):
    got = []

    def serve(sock):
        got.append(script.head(sock))
        while b"0\r\n\r\n" not in got[-1]:
            got.append(sock.recv(65536))
        sock.sendall(OK)

    script.serve = serve
    with opened(plain, "POST /x\nTransfer-Encoding: chunked\nConnection: close") as sock:
        sock.sendall(b"5\r\nhello\r\n")
        until(lambda: b"hello" in b"".join(got))
        sock.sendall(b"5\r\nworld\r\n")
        until(lambda: b"world" in b"".join(got))
        sock.sendall(b"0\r\n\r\n")
        assert status_of(received(sock)) == 200


def test_an_answer_before_the_end_of_a_request_passes(script, plain):
    def serve(sock):
        script.head(sock)
        sock.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")

    script.serve = serve
    with opened(plain, "POST /x\nContent-Length: 1000000") as sock:
        sock.sendall(b"x" * 100_000)
        sock.settimeout(5)
        assert b"413 Too Large" in sock.recv(65536)


def test_a_client_that_goes_away_takes_the_request_at_the_api_with_it(script, plain):
    gone = threading.Event()

    def serve(sock):
        script.head(sock)
        if not sock.recv(1):
            gone.set()

    script.serve = serve
    logged = plain.log.count(" 499 ")
    for half_first in (False, True):
        gone.clear()
        script.seen.clear()
        with opened(plain, "GET /x") as sock:
            until(lambda: script.seen)
            if half_first:
                sock.shutdown(socket.SHUT_WR)
                assert not gone.wait(0.5)
        assert gone.wait(5)
    until(lambda: plain.log.count(" 499 ") == logged + 2)


def test_a_client_that_goes_away_in_mid_stream_ends_the_stream_at_the_api(script, plain):
    gone, chunk = threading.Event(), b"c\r\ndata: {}\r\n\r\n\r\n"

    def serve(sock):
        script.head(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        with contextlib.suppress(OSError):
            while True:
                sock.sendall(chunk)
                time.sleep(0.01)
        gone.set()

    script.serve = serve
    logged, files = plain.log.count(" 499 "), plain.files()
    for _ in range(5):
        gone.clear()
        with opened(plain, "POST /v1beta/models/m:streamGenerateContent\nContent-Length: 0") as sock:
            got = b""
            while got.count(b"data: ") < 3:
                got += sock.recv(65536)
        assert gone.wait(20)
    until(lambda: plain.log.count(" 499 ") == logged + 5, 20)
    until(lambda: plain.files() <= files + 2, 20)


def test_a_client_that_has_only_said_all_still_gets_its_answer(script, plain):
    def serve(sock):
        script.head(sock)
        time.sleep(1.0)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")

    script.serve = serve
    with opened(plain, "GET /x") as sock:
        sock.shutdown(socket.SHUT_WR)
        assert received(sock, 5).endswith(b"\r\n\r\nlate")


@pytest.mark.parametrize("before", ["", "GET /first HTTP/1.1\r\nHost: localhost\r\nx-goog-api-key: TOKEN\r\n\r\n"])
@pytest.mark.parametrize("framing", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
def test_a_client_that_ends_in_the_middle_of_a_body_is_not_waited_for(framing, before, script, plain):
    def serve(sock):
        script.head(sock)
        time.sleep(0.5)

    script.serve = serve
    head = f"{before}POST /x HTTP/1.1\r\nHost: localhost\r\nx-goog-api-key: TOKEN\r\n{framing}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", plain.port), 5) as sock:
        sock.settimeout(15)
        # In one piece, so that the end arrives along with the headers.
        sock.sendall(head.replace("TOKEN", plain.token).encode() + b"5\r\nhel")
        sock.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            read_to_the_end(sock)


@pytest.mark.parametrize("framing", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
def test_a_broken_upload_is_never_ended_cleanly(framing, script, plain):
    ended = []

    def serve(sock):
        data = script.head(sock)
        while part := sock.recv(65536):
            data += part
        ended.append(data)

    script.serve = serve
    with opened(plain, f"POST /x\n{framing}") as sock:
        sock.sendall(b"5\r\nhello\r\n")
        until(lambda: script.seen)
    until(lambda: ended)
    assert b"hello" in ended[0]
    assert not ended[0].endswith(b"0\r\n\r\n")


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ],
)
def test_a_broken_answer_is_never_ended_cleanly(start, script, plain):
    script.answer_with(start)
    got = plain.request("GET /x")
    assert b"hello" in got
    assert not got.endswith(b"0\r\n\r\n")
    with opened(plain, "GET /x") as sock:
        sock.close()
    # To a client of HTTP/1.0 the end of the connection would be the end of the answer.
    with socket.create_connection(("127.0.0.1", plain.port), 5) as sock:
        sock.sendall(f"GET /x HTTP/1.0\r\nHost: localhost\r\nx-goog-api-key: {plain.token}\r\n\r\n".encode())
        if b"Transfer-Encoding" in start:
            with pytest.raises(ConnectionResetError):
                read_to_the_end(sock)


def test_a_slow_client_holds_up_the_api_and_not_the_memory(script, plain):
    sent = []

    def serve(sock):
        script.head(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (64 * MIB))
        for _ in range(64):
            sock.sendall(b"x" * MIB)
            sent.append(MIB)

    script.serve = serve
    memory = plain.memory()
    with opened(plain, "GET /x") as sock:
        until(lambda: sent)
        time.sleep(0.5)
        held = len(sent)
        assert held < 32
        assert plain.memory() - memory < 8 * MIB
        size = 0
        while size < 64 * MIB:
            size += len(sock.recv(MIB))
    assert len(sent) == 64
    assert plain.memory() - memory < 8 * MIB


# The way to the API


def test_an_api_that_is_not_there_or_talks_nonsense_is_a_502(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as unheard:
        url = f"http://127.0.0.1:{unheard.getsockname()[1]}"
    with before(url, tmp_path) as proxy:
        assert status_of(proxy.request("GET /x")) == 502
    for nonsense in (b"nonsense\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"):
        with answering(nonsense) as api, before(api.url, tmp_path) as proxy:
            answer = proxy.request("POST /x\nContent-Length: 0")
            assert status_of(answer) == 502
            assert json.loads(body_of(answer))["error"]["details"][0]["domain"] == "genai-credentials"


def test_tls_that_nobody_vouches_for_is_a_502_and_with_the_authority_it_works(tmp_path):
    with FakeGemini(KEY, tls=True) as api:
        with before(api.base_url, tmp_path) as proxy:
            assert status_of(proxy.request("GET /v1beta/models")) == 502
        assert api.requests == []
        with before(api.base_url, tmp_path, SSL_CERT_FILE=api.ca_file) as proxy:
            assert status_of(proxy.request("GET /v1beta/models")) == 200


@pytest.mark.parametrize("tls", [False, True])
def test_a_connection_that_is_not_made_in_ten_seconds_is_a_504(tls, tmp_path):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as silent, contextlib.ExitStack() as stack:
        port = silent.getsockname()[1]
        if not tls:
            # The queue is full, so no further connection is made.
            for _ in range(3):
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(("127.0.0.1", port))
        with before(f"http{'s' * tls}://127.0.0.1:{port}", tmp_path) as proxy:
            begun = time.monotonic()
            with opened(proxy, "GET /x\nConnection: close") as sock:
                assert status_of(received(sock, 20)) == 504
            assert 9 < time.monotonic() - begun < 13


def test_the_environments_proxy_is_taken_and_an_exempt_host_is_not(tmp_path):
    def relay(sock):
        line = tunnel.head(sock).split(b"\r\n")[0].decode()
        host, _, port = line.split(" ")[1].rpartition(":")
        sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with socket.create_connection((host, int(port))) as other:
            back = threading.Thread(target=pump, args=(other, sock))
            back.start()
            pump(sock, other)
            back.join()

    with FakeGemini(KEY, tls=True) as api, Script(relay) as tunnel:
        environ = {"SSL_CERT_FILE": api.ca_file, "HTTPS_PROXY": tunnel.url.replace("//", "//user:pass@")}
        with before(api.base_url, tmp_path, **environ) as proxy:
            assert status_of(proxy.request("GET /v1beta/models")) == 200
        assert tunnel.seen[0].startswith(f"CONNECT {api.base_url.partition('//')[2]} HTTP/1.1\r\n".encode())
        assert b"proxy-authorization: basic dxnlcjpwyxnz" in tunnel.seen[0].lower()
        assert KEY.encode() not in tunnel.seen[0]
        with before(api.base_url, tmp_path, **environ, NO_PROXY="127.0.0.1") as proxy:
            assert status_of(proxy.request("GET /v1beta/models")) == 200
        assert len(tunnel.seen) == 1


def test_plain_http_never_goes_by_way_of_a_proxy(tmp_path):
    with answering(OK) as api, answering(OK) as tunnel:
        with before(api.url, tmp_path, HTTP_PROXY=tunnel.url, http_proxy=tunnel.url, ALL_PROXY=tunnel.url) as proxy:
            assert status_of(proxy.request("GET /x")) == 200
        assert tunnel.seen == []


def pump(source, sink):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


# Leaks


def test_connections_that_are_broken_off_leave_neither_files_nor_memory(script, plain):
    def serve(sock):
        script.head(sock)
        with contextlib.suppress(OSError):
            for _ in range(100):
                sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" if _ == 0 else b"x" * 1000)
                time.sleep(0.005)

    def break_off(kind):
        if kind == 0:
            socket.create_connection(("127.0.0.1", plain.port), 5).close()
        elif kind == 1:
            with socket.create_connection(("127.0.0.1", plain.port), 5) as sock:
                sock.sendall(b"POST /x HTTP/1.1\r\nHost: local")
        elif kind == 2:
            opened(plain, "POST /x\nContent-Length: 1000").close()
        else:
            with opened(plain, "GET /x") as sock:
                sock.recv(100)

    script.serve = serve
    for number in range(200):
        break_off(number % 4)
    until(lambda: plain.files() < 25)
    files, memory = plain.files(), plain.memory()
    for number in range(BROKEN_OFF):
        break_off(number % 4)
    until(lambda: plain.files() <= files + 3, 30)
    assert plain.memory() - memory < 4 * MIB
    assert status_of(plain.request("GET /healthz")) == 200


def test_a_compressed_answer_stays_compressed(script, plain):
    body = gzip.compress(b"hello")
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    script.answer_with(answer)
    assert plain.request("GET /x\nAccept-Encoding: gzip").endswith(b"\r\n\r\n" + body)
