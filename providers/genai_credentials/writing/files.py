"""Replaces a file as a whole or not at all, by one writer at a time. The file keeps its mode, its owner and its links.

The new content is written to a second file in the same directory. That file is flushed to the disk and then renamed to
the first name. Meanwhile the directory is locked with `flock`. The kernel releases this lock even if the process is
killed.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from genai_credentials.deadline import seconds_left
from genai_credentials.errors import PutConflict, PutFailed
from genai_credentials.writing.documents import Content, Document

NEW_MODE = 0o600


class KeyFile:
    """A file that holds a key.

    Args:
        path: The path of the file. A symbolic link stays, and the file that it leads to is replaced.
        document: The form of the content.
        most: The largest size that a fetch reads, in bytes.
        where: The name of the provider, for the errors.
    """

    def __init__(self, path: Path, document: Document, most: int, where: str) -> None:
        self._path, self._document, self._most, self._where = path, document, most, where

    def put(self, key: str) -> None:
        """Store the text of a key. A file that already holds this key is not changed.

        Raises:
            PutConflict: Another program changed the file at the same moment.
            PutFailed: The file cannot be written, or other content would be lost. The file is unchanged.
        """
        try:
            target = Path(os.path.realpath(self._path))
            before = self._read(target)
            with _locked(target.parent, self._where):
                self._replace(target, before, key)
            return
        except OSError as error:
            problem = _explained(error, self._where)
        # The first error is not chained, because its frames hold the key.
        raise problem

    def _replace(self, target: Path, before: bytes, key: str) -> None:
        mark = _mark(target)
        now = Content(self._read(target), self._document, self._where)
        if now.holds(key):
            return
        content = now.with_key(key)
        if len(content) > self._most:
            raise PutFailed(
                f"{self._where}: would be over {self._most:,} bytes.", remedy="Check that the path is right."
            )
        if now.data != before or not replace(target, content, mark):
            raise PutConflict(
                f"{self._where}: another writer changed it at the same moment, and that change was kept.",
                remedy="Read the file. If your key is to serve instead, put it again.",
            )

    def _read(self, target: Path) -> bytes:
        try:
            # Checked before the file is opened, because opening a pipe would wait for a writer.
            if not stat.S_ISREG(os.stat(target).st_mode):
                raise PutFailed(f"{self._where}: is not a regular file.", remedy="Pass the path of a regular file.")
            with target.open("rb") as stream:
                content = stream.read(self._most + 1)
        except FileNotFoundError:
            return b""
        if len(content) > self._most:
            raise PutFailed(f"{self._where}: is over {self._most:,} bytes.", remedy="Check that the path is right.")
        return content


Mark = tuple[int, int, int]


def _mark(target: Path) -> Mark | None:
    """Return values that differ after the file was changed: inode, time of change and size.

    None if there is no file.
    """
    try:
        found = os.stat(target)
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def replace(target: Path, content: bytes, mark: Mark | None) -> bool:
    """Replace a file by a file with this content, as a whole or not at all. A new file is readable by its owner only.

    Args:
        target: The path of the file. The caller holds the lock of its directory.
        content: All bytes of the new file.
        mark: The result of `_mark` at the time when the old content was read; None if there was no file.

    Returns:
        Whether the file was replaced. It is not replaced if another program has changed it since.
    """
    # The name is the same each time, and thus the next put removes the file of a put that was killed.
    beside = target.with_name(f".genai-credentials-{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]}")
    with suppress(FileNotFoundError):
        beside.unlink()
    try:
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, NEW_MODE), "wb") as stream:
            stream.write(content)
            stream.flush()
            if _mark(target) != mark:
                return False
            _take_after(target if mark else None, beside)
            os.fsync(stream.fileno())
        if unchanged := _mark(target) == mark:
            os.replace(beside, target)
        return unchanged
    finally:
        with suppress(FileNotFoundError):
            beside.unlink()


def _take_after(target: Path | None, beside: Path) -> None:
    """Give a new file the owner, the mode and the extended attributes of the file that it replaces."""
    if target is None:
        beside.chmod(NEW_MODE)
        return
    old, new = os.stat(target), os.stat(beside)
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        os.chown(beside, old.st_uid, old.st_gid)
    shutil.copystat(target, beside)
    os.utime(beside)


@contextmanager
def _locked(directory: Path, where: str) -> Iterator[None]:
    try:
        import fcntl
    except ImportError:
        raise PutFailed(
            f"{where}: a key can be put into a file only on a POSIX system.", remedy="Write the file by hand."
        ) from None
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        give_up = time.monotonic() + seconds_left()
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > give_up:
                    raise
            time.sleep(0.02)
        yield
        # This makes the rename as durable as the content. Some file systems do not support it.
        with suppress(OSError):
            os.fsync(handle)
        # Closing alone would not release the lock if a child was forked meanwhile.
        fcntl.flock(handle, fcntl.LOCK_UN)
    finally:
        os.close(handle)


_MAY_NOT = "Run as the owner of the file, who may write its directory: the file is replaced as a whole."
_REMEDIES = {
    errno.EACCES: _MAY_NOT,
    errno.EPERM: _MAY_NOT,
    errno.EROFS: "Change the key at the source of the mount: the file system is mounted read-only.",
    errno.EBUSY: "Mount the directory instead of the file: a mounted file cannot be replaced.",
    errno.ENOENT: "Create its directory first.",
    errno.ENOTDIR: "Create its directory first.",
    errno.ENOSPC: "Free space on the disk.",
    errno.EDQUOT: "Free space in the quota of this user.",
    errno.EAGAIN: "Try again, or end the process that holds a lock on the directory of the file.",
    errno.ELOOP: "Repair the symbolic links: they lead in a circle.",
}


def _explained(error: OSError, where: str) -> PutFailed:
    return PutFailed(
        f"{where}: cannot be written and is unchanged ({type(error).__name__}: {error.strerror}).",
        remedy=_REMEDIES.get(error.errno or 0, "Check the path, and that this process may write there."),
    )
