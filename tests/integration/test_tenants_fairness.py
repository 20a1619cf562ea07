"""One tenant's hanging store starves nobody: fetches queue without threads, and doubtful tenants get half the room."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sdk_paths import MODEL

from genai_credentials import CredentialProvider, NoCredentials, Tenants
from genai_credentials.tenants.gate import Crowded, Gate
from genai_credentials.workers import Job

pytestmark = pytest.mark.usefixtures("no_certificates", "nothing_left_open")


class Gauge:
    """A store whose fetches are counted while they run."""

    def __init__(self):
        self.now = self.most = self.fetches = 0
        self.lock = threading.Lock()
        self.release = threading.Event()
        self.hanging = set()

    def provider(self, tenant, **options):
        def fetch():
            with self.lock:
                self.fetches += 1
                self.now += 1
                self.most = max(self.most, self.now)
            try:
                if tenant in self.hanging:
                    self.release.wait(30)
                return "key"
            finally:
                with self.lock:
                    self.now -= 1

        return CredentialProvider(fetch, **options)


@pytest.fixture
def gauge():
    gauge = Gauge()
    yield gauge
    gauge.release.set()


def ours():
    return sum("genai-credentials" in thread.name for thread in threading.enumerate())


def eventually(condition):
    give_up = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.005)


def test_tenants_that_never_served_get_at_most_half_and_the_others_queue_without_threads(gauge):
    names = [f"tenant-{number}" for number in range(200)]
    gauge.hanging = set(names)
    with Tenants(gauge.provider, max_fetches=8) as tenants, ThreadPoolExecutor(200) as pool:
        before = ours()
        asked = [pool.submit(tenants.__getitem__, name) for name in names]
        eventually(lambda: gauge.now == 4)
        time.sleep(0.1)
        assert (gauge.now, tenants.status().fetches) == (4, 4)
        assert ours() - before <= 2 * 8 + 1
        gauge.release.set()
        assert {future.result()() for future in asked} == {"key"}
    assert gauge.most == 4


def test_a_tenant_that_has_served_fetches_beside_all_that_hang(gauge):
    with Tenants(gauge.provider, max_fetches=4) as tenants, ThreadPoolExecutor(20) as pool:
        served = tenants["served"]
        gauge.hanging = {f"hangs-{number}" for number in range(10)}
        asked = [pool.submit(tenants.__getitem__, name) for name in gauge.hanging]
        eventually(lambda: gauge.now == 2)
        began = time.monotonic()
        served.refresh()
        assert time.monotonic() - began < 1
        gauge.release.set()
        for future in asked:
            future.result()


def test_hanging_calls_hold_a_bounded_number_of_threads(gauge):
    names = [f"tenant-{number}" for number in range(60)]
    gauge.hanging = set(names)
    with Tenants(lambda name: gauge.provider(name, fetch_timeout=0.05), max_fetches=4) as tenants:
        with ThreadPoolExecutor(60) as pool:
            providers = list(pool.map(tenants.__getitem__, names))
        assert 2 <= gauge.now <= 2 * 4 + 2
        with pytest.raises(NoCredentials, match="too many calls of tenants' stores hang"):
            providers[-1].get()
        gauge.release.set()
        eventually(lambda: gauge.now == 0)
        gauge.hanging.clear()
        assert tenants["another"]() == "key"


def test_the_others_are_served_and_refreshed_while_ten_stores_hang(gauge, api):
    api.accept("key")

    def p99(clients):
        seconds = []
        for number in range(400):
            began = time.perf_counter()
            clients[f"tenant-{number % 50}"].models.generate_content(model=MODEL, contents="hi")
            seconds.append(time.perf_counter() - began)
        return sorted(seconds)[-5]

    def make(name):
        return gauge.provider(name, ttl=0.2, fetch_timeout=0.5)

    with Tenants(make) as tenants, tenants.clients(http_options={"base_url": api.base_url}) as clients:
        p99(clients)
        before = p99(clients)
        gauge.hanging = {f"hangs-{number}" for number in range(10)}
        over, refused = threading.Event(), []

        def hang(name):
            while not over.is_set():
                try:
                    clients[name].models.generate_content(model=MODEL, contents="hi")
                except NoCredentials as error:
                    refused.append(error)
                    over.wait(0.2)

        with ThreadPoolExecutor(10) as pool:
            hung = [pool.submit(hang, name) for name in gauge.hanging]
            eventually(lambda: gauge.now >= 10)
            threads, fetched, during = ours(), gauge.fetches, p99(clients)
            refreshed = gauge.fetches - fetched
            over.set()
            gauge.release.set()
            for future in hung:
                future.result()
    print(f"p99 before {before * 1e3:.1f} ms, while ten stores hang {during * 1e3:.1f} ms; threads of ours: {threads}")
    # No bound on time, on a machine that others use: the others' keys were refreshed in the room left to them.
    assert refreshed >= 50
    assert threads < 80
    assert refused


def test_a_gate_runs_no_more_than_it_may_and_all_in_the_end():
    gate, running, most, done = Gate(5), set(), [], []
    lock = threading.Lock()

    def work(number):
        with lock:
            running.add(number)
            most.append(len(running))
        time.sleep(0.001)
        with lock:
            running.discard(number)
            done.append(number)

    def launch(number):
        job = Job(lambda: work(number), "test")
        gate.launch(job, gate.trusted if number % 2 else gate.doubtful)
        return job

    with ThreadPoolExecutor(16) as pool:
        jobs = list(pool.map(launch, range(500)))
        for job in jobs:
            job.future.result(10)
    eventually(lambda: gate.under_way == 0)
    assert sorted(done) == list(range(500))
    assert max(most) <= 5


def test_a_refused_fetch_says_why():
    assert "too many" not in Crowded.remedy
    assert Crowded.problem.endswith("hang")
