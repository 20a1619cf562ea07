"""Decides whether the other end of a half-closed connection is gone, or only has nothing more to send.

On the socket both cases look alike: the client has sent its last byte. A client that has closed its whole socket does
not wait for an answer. The API would still make that answer and charge for it. On loopback the other end is on this
machine. Therefore the kernel can say which case it is.
"""

from __future__ import annotations

import select
import socket
import struct
import sys

# From linux/inet_diag.h, linux/sock_diag.h and linux/netlink.h.
_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, _NLMSG_ERROR = 20, 1, 2
_ENOENT = 2
_HEADER = struct.Struct("=IHHII")
_INODE_AT = 16 + 68
_ANY_STATE, _NO_COOKIE = 0xFFFFFFFF, 0xFFFFFFFF


def is_gone(sock: socket.socket) -> bool:
    """Whether no process reads from the other end of a socket whose client has sent its last byte.

    Args:
        sock: A connected Unix socket, or a TCP socket on loopback. If the system cannot answer, the client counts as
            gone.
    """
    try:
        if sock.family == socket.AF_UNIX:
            return _has_hung_up(sock)
        return sys.platform != "linux" or _owner(sock) == 0
    except (OSError, struct.error):
        return True


def _has_hung_up(sock: socket.socket) -> bool:
    poll = select.poll()
    poll.register(sock.fileno(), 0)
    return any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(0))


def _owner(sock: socket.socket) -> int:
    """The inode of the other end's socket; 0 if no process has that socket open."""
    here, there = sock.getsockname(), sock.getpeername()
    ends = struct.pack(">HH", there[1], here[1]) + _packed(sock.family, there[0]) + _packed(sock.family, here[0])
    question = struct.pack("=BBBBI", sock.family, socket.IPPROTO_TCP, 0, 0, _ANY_STATE) + ends
    question += struct.pack("=III", 0, _NO_COOKIE, _NO_COOKIE)
    head = _HEADER.pack(_HEADER.size + len(question), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _NETLINK_SOCK_DIAG) as kernel:
        kernel.settimeout(0.1)
        kernel.send(head + question)
        answer = kernel.recv(4096)
    if _HEADER.unpack_from(answer)[1] == _NLMSG_ERROR:
        if struct.unpack_from("=i", answer, 16)[0] == -_ENOENT:
            return 0
        raise OSError
    (inode,) = struct.unpack_from("=I", answer, _INODE_AT)
    return int(inode)


def _packed(family: int, address: str) -> bytes:
    return socket.inet_pton(family, address.partition("%")[0]).ljust(16, b"\0")
