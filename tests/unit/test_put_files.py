"""A put into a file: mode, owner and links stay, a second writer is told, and a crash leaves it whole."""

import fcntl
import json
import logging
import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from genai_credentials import (
    AWSSecretsManager,
    ConfigurationError,
    CredentialProvider,
    CredentialsError,
    Dotenv,
    Env,
    File,
    GoogleSecretManager,
    InvalidSecret,
    ProviderChain,
    PutConflict,
    PutFailed,
    Writable,
)
from genai_credentials.adapter import as_provider
from genai_credentials.provider import writable
from genai_credentials.testing.conformance import everything_in
from genai_credentials.writing.documents import InMember
from genai_credentials.writing.files import KeyFile
from stores import within

OLD, NEW = "AIzaOld-NeverToBeSeen_0123456789", "AIzaNew-NeverToBeSeen_0123456789"
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="takes root, to become somebody else")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def failure(call: Callable[[], object], kind: type[CredentialsError], path: Path) -> CredentialsError:
    """The error of a put: it names the provider and a remedy, holds no key, and left the directory as it was."""
    before = {one.name: one.read_bytes() for one in path.parent.iterdir() if one.is_file()}
    with pytest.raises(kind) as caught:
        call()
    assert str(path) in caught.value.message
    assert caught.value.remedy
    shown = everything_in(caught.value)
    assert NEW not in shown
    assert OLD not in shown
    assert {one.name: one.read_bytes() for one in path.parent.iterdir() if one.is_file()} == before
    return caught.value


def child(code: str, *arguments: object, **options: Any) -> "subprocess.CompletedProcess[str]":
    """A program in a process of its own, with the path and the new key as its arguments."""
    line = [sys.executable, "-c", f"import os, sys\nfrom genai_credentials import *\n{code}", *map(str, arguments), NEW]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False, **options)


# What can be written


@pytest.mark.parametrize(
    "thing",
    [Env(), as_provider(lambda: OLD), ProviderChain(Env()), CredentialProvider(Env()), "env:"],
    ids=["env", "callable", "chain", "front", "text"],
)
def test_what_has_no_put_is_refused_before_anything_is_made_for_it(thing: Any) -> None:
    assert not hasattr(thing, "put")
    with pytest.raises(ConfigurationError, match="no key can be put there") as caught:
        writable(thing)
    assert "Secret Manager" in caught.value.remedy


@pytest.mark.parametrize(
    "make",
    [
        lambda: GoogleSecretManager("projects/acme/secrets/gemini/versions/3"),
        lambda: GoogleSecretManager("projects/acme/secrets/gemini/versions/prod"),
        lambda: AWSSecretsManager("prod/gemini", version_id="e3f1"),
        lambda: AWSSecretsManager("prod/gemini", stage="BLUE"),
    ],
)
def test_a_pinned_link_is_refused_without_a_call(make: Callable[[], Any]) -> None:
    provider = make()
    for call in (lambda: writable(provider), lambda: provider.put(NEW)):
        with pytest.raises(ConfigurationError, match="is pinned") as caught:
            call()
        assert caught.value.remedy
    with pytest.raises(ConfigurationError, match="is pinned"):
        provider.put("")


def test_latest_is_no_pin_and_the_four_are_writable() -> None:
    made = [
        Dotenv(),
        File("key"),
        GoogleSecretManager("projects/acme/secrets/gemini/versions/latest"),
        AWSSecretsManager("prod/gemini"),
    ]
    assert all(isinstance(one, Writable) and writable(one) is one for one in made)


@pytest.mark.parametrize(
    "text", ["", "  ", "YOUR_API_KEY", f"{NEW} {NEW}", f"Bearer {NEW}", "{}", NEW + "\u00e9", "x" * 5000, 7]
)
@pytest.mark.parametrize("make", [File, Dotenv, lambda path: File(path, "k")])
def test_a_text_that_cannot_be_a_key_is_refused(path: Path, make: Callable[[Path], Any], text: Any) -> None:
    error = failure(lambda: make(path).put(text), InvalidSecret, path)
    assert "the new value" in error.message
    assert not path.exists()


# The file itself


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o400])
def test_the_mode_stays(path: Path, mode: int) -> None:
    path.write_text(OLD)
    path.chmod(mode)
    File(path).put(NEW)
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o777])
def test_a_new_file_is_for_its_owner_alone(path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        Dotenv(path).put(NEW)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@AS_ROOT
def test_the_owner_stays(path: Path) -> None:
    path.write_text(OLD)
    os.chown(path, 12345, 54321)
    path.chmod(0o640)
    File(path).put(NEW)
    found = path.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (12345, 54321, 0o640)


def test_extended_attributes_stay(path: Path) -> None:
    path.write_text(OLD)
    try:
        os.setxattr(path, "user.note", b"mine")
    except OSError:
        pytest.skip("this file system has none")
    File(path).put(NEW)
    assert os.getxattr(path, "user.note") == b"mine"


def test_the_time_is_that_of_the_put_and_the_same_key_touches_nothing(path: Path) -> None:
    path.write_text(f"{OLD}\n")
    os.utime(path, (1, 1))
    File(path).put(OLD)
    assert path.stat().st_mtime == 1
    File(path).put(NEW)
    assert abs(path.stat().st_mtime - time.time()) < 60
    before = path.stat()
    File(path).put(f" {NEW} ")
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_symlinks_stay_and_what_they_lead_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target, link, chain = tmp_path / "real" / "key", tmp_path / "link", tmp_path / "chain"
    target.write_text(OLD)
    link.symlink_to("real/key")
    chain.symlink_to(link)
    File(chain).put(NEW)
    assert (os.readlink(link), os.readlink(chain)) == ("real/key", str(link))
    assert target.read_text() == File(chain).fetch().get_secret_value() == NEW
    assert os.listdir(tmp_path / "real") == ["key"]


def test_a_symlink_that_leads_nowhere_yet_gets_its_file(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("later")
    File(tmp_path / "link").put(NEW)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "later").read_text() == NEW


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("loop", "Too many levels of symbolic links"),
        ("folder", "is not a regular file"),
        ("pipe", "is not a regular file"),
        ("file/below", "Not a directory"),
        ("none/key", "No such file"),
    ],
)
def test_what_is_no_file_is_left_as_it_is(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_text(OLD)
    with pytest.raises(PutFailed, match=said) as caught:
        File(tmp_path / name).put(NEW)
    assert caught.value.remedy
    assert sorted(os.listdir(tmp_path)) == ["file", "folder", "loop", "pipe"]


TRY = "try: File(sys.argv[1]).put(sys.argv[2])\nexcept CredentialsError as e: print(type(e).__name__, e)"
# All that is needed is imported before: nobody may read the interpreter's own files.
AS_NOBODY = f"""
import fcntl, genai_credentials.writing.files, genai_credentials.writing.text
File(sys.argv[1]).fetch()
os.setgroups([]); os.setgid(65534); os.setuid(65534)
File(sys.argv[1]).fetch()
{TRY}
"""


@AS_ROOT
@pytest.mark.parametrize("mode", [0o755, 0o777])
def test_a_put_by_somebody_who_may_not_replace_the_file_leaves_it_as_it_is(mode: int) -> None:
    # pytest's own directory lets nobody in.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "key")
        path.write_text(OLD)
        path.chmod(0o666)
        path.parent.chmod(mode)
        done = child(AS_NOBODY, path)
        assert done.stdout.startswith(f"PutFailed file:{path}: cannot be written and is unchanged (PermissionError")
        assert "may write its directory" in done.stdout
        assert path.read_text() == OLD
        assert os.listdir(folder) == ["key"]


def test_a_full_disk_leaves_the_old_file_whole_and_nothing_beside(path: Path) -> None:
    path.write_text(OLD)
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
    done = child(full + TRY, path)
    assert done.stdout.startswith(
        f"PutFailed file:{path}: cannot be written and is unchanged (OSError: File too large)"
    )
    assert path.read_text() == OLD
    assert os.listdir(path.parent) == [path.name]


# Crashes

KILLED = """
left = int(sys.argv[2])
def hook(event, arguments):
    global left
    if armed and sys.argv[1].rpartition('/')[0] in repr(arguments):
        if left == 0: os.kill(os.getpid(), 9)
        left -= 1
armed = False
sys.addaudithook(hook)
File(sys.argv[1]).fetch()
from genai_credentials.writing import documents, files, text
armed = True
File(sys.argv[1]).put(sys.argv[3])
"""


def test_a_put_that_is_killed_at_any_step_leaves_a_whole_file_and_the_next_put_leaves_nothing_beside(
    path: Path,
) -> None:
    outcomes = []
    for step in range(40):
        path.write_text(OLD)
        path.chmod(0o600)
        done = child(KILLED, path, step)
        outcomes.append((path.read_text(), len(os.listdir(path.parent))))
        File(path).put(f"{NEW}-{step}")
        assert os.listdir(path.parent) == [path.name]
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
    assert {content for content, _ in outcomes} == {OLD, NEW}
    # Some were killed while the new file stood beside the old one, and those had changed nothing yet.
    assert {content for content, files in outcomes if files == 2} == {OLD}
    assert len(outcomes) > 8


def test_what_a_killed_put_left_beside_is_for_its_owner_alone(path: Path) -> None:
    path.write_text(OLD)
    path.chmod(0o644)
    kill = "sys.addaudithook(lambda event, _: os.kill(os.getpid(), 9) if event == 'os.chmod' else None)\n"
    assert child(kill + TRY, path).returncode == -signal.SIGKILL
    (left,) = set(os.listdir(path.parent)) - {path.name}
    assert stat.S_IMODE((path.parent / left).stat().st_mode) == 0o600
    assert NEW not in left


# Two at once


@pytest.fixture
def lock(path: Path) -> Iterator[Callable[[], None]]:
    """The directory, locked; called, it lets go."""
    handle = os.open(path.parent, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    yield lambda: fcntl.flock(handle, fcntl.LOCK_UN)
    os.close(handle)


WRITER = """
print('up', flush=True)
try: print('stored', File(sys.argv[1]).put(sys.argv[2]).fingerprint)
except PutConflict as error: print('told', error)
"""


def test_of_two_processes_that_put_at_once_the_second_is_told(path: Path, lock: Callable[[], None]) -> None:
    path.write_text(OLD)
    line = [sys.executable, "-c", f"import os, sys\nfrom genai_credentials import *\n{WRITER}", str(path)]
    writers = [subprocess.Popen([*line, f"{NEW}-{n}"], stdout=subprocess.PIPE, text=True) for n in range(2)]
    assert [writer.stdout.readline() for writer in writers if writer.stdout] == ["up\n", "up\n"]
    time.sleep(0.5)
    assert path.read_text() == OLD
    lock()
    said = [writer.communicate(timeout=60)[0] for writer in writers]
    winner = next(number for number, line in enumerate(said) if line.startswith("stored"))
    assert said[1 - winner].startswith(f"told file:{path}: another writer changed it at the same moment")
    assert path.read_text() == f"{NEW}-{winner}"
    assert os.listdir(path.parent) == [path.name]


def test_two_that_put_the_same_key_at_once_are_both_right(path: Path, lock: Callable[[], None]) -> None:
    with ThreadPoolExecutor(2) as pool:
        puts = [pool.submit(File(path).put, NEW) for _ in range(2)]
        time.sleep(0.3)
        lock()
    assert [put.result().get_secret_value() for put in puts] == [NEW, NEW]


def test_puts_into_two_files_of_one_directory_wait_for_each_other(path: Path, lock: Callable[[], None]) -> None:
    others = [path.parent / f"key-{number}" for number in range(3)]
    with ThreadPoolExecutor(3) as pool:
        puts = [pool.submit(File(other).put, NEW) for other in others]
        time.sleep(0.2)
        lock()
    assert [put.result() == File(other).fetch() for put, other in zip(puts, others, strict=True)] == [True] * 3


def test_a_lock_that_is_never_let_go_is_waited_for_as_long_as_a_fetch_may_take(
    path: Path, lock: Callable[[], None]
) -> None:
    path.write_text(OLD)

    def put() -> None:
        assert "end the process that holds a lock" in failure(lambda: File(path).put(NEW), PutFailed, path).remedy

    assert 0.2 < within(0.3, put) < 5


def test_a_child_that_is_forked_meanwhile_does_not_keep_the_lock(path: Path) -> None:
    children = []

    class Forks:
        def key_in(self, text: str) -> None:
            return None

        def with_key(self, text: str, key: str) -> str:
            pid = os.fork()
            if not pid:
                time.sleep(60)
                os._exit(0)
            children.append(pid)
            return key

    try:
        KeyFile(path, Forks(), 4096, "file:x").put(NEW)
        assert within(2.0, lambda: File(path).put(OLD)) < 1.0
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


@pytest.mark.parametrize("meanwhile", ["an editor's", None])
def test_a_change_by_somebody_who_takes_no_lock_is_kept(path: Path, meanwhile: str | None) -> None:
    path.write_text(OLD)

    class Changes(InMember):
        def key_in(self, text: str) -> None:
            return None

        def with_key(self, text: str, key: str) -> str:
            path.unlink()
            if meanwhile:
                path.write_text(meanwhile)
            return key

    with pytest.raises(PutConflict, match="that change was kept"):
        KeyFile(path, Changes("k", "file:x"), 4096, "file:x").put(NEW)
    assert [one.read_text() for one in path.parent.iterdir()] == ([meanwhile] if meanwhile else [])


FIELDS = """
done = 0
while done < 40:
    try:
        File(sys.argv[1], sys.argv[2]).put(f'{sys.argv[3]}-{done}')
        done += 1
    except PutConflict:
        pass
"""


def test_processes_that_set_members_of_one_document_lose_none_of_them(path: Path) -> None:
    path.write_text('{"a": 1, "first": null}')
    line = [sys.executable, "-c", f"import os, sys\nfrom genai_credentials import *\n{FIELDS}", str(path)]
    writers = [subprocess.Popen([*line, field, NEW]) for field in ("first", "second", "third")]
    while any(writer.poll() is None for writer in writers):
        assert json.loads(path.read_text())["a"] == 1
        time.sleep(0.002)
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    last = f"{NEW}-39"
    assert json.loads(path.read_text()) == {"a": 1, "first": last, "second": last, "third": last}
    assert os.listdir(path.parent) == [path.name]


def test_a_reader_sees_a_whole_key_at_every_moment(path: Path) -> None:
    provider, over, seen = File(path), threading.Event(), set()
    provider.put(f"{NEW}-0")

    def read() -> None:
        while not over.is_set():
            seen.add(provider.fetch().get_secret_value())

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        for number in range(100):
            provider.put(f"{NEW}-{number}")
        over.set()
        for reader in readers:
            reader.result()
    assert seen <= {f"{NEW}-{number}" for number in range(100)}


# Nothing is shown


def test_no_key_is_in_a_log_or_a_name_of_a_file(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    names: set[str] = set()

    def watch(event: str, arguments: Any) -> None:
        if event == "open" and armed:
            names.add(str(arguments[0]))

    armed = True
    sys.addaudithook(watch)
    File(path).put(NEW)
    Dotenv(path.with_name("env")).put(NEW)
    armed = False
    assert any(".genai-credentials-" in name for name in names)
    assert NEW not in caplog.text + repr(names)
