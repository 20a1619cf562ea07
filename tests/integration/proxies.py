"""A forward proxy that notes what it is asked for."""

import contextlib
import socket
import threading
from urllib.parse import urlsplit


class ForwardProxy:
    """A recording HTTP proxy: one request a connection, tunnels for https."""

    def __enter__(self):
        self.asked, self._listener = [], socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        return self

    def __exit__(self, *about):
        # A connection wakes the thread that waits for one; closing the socket would not.
        socket.create_connection(self._listener.getsockname()).close()
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def _accept(self):
        while True:
            client, _ = self._listener.accept()
            with contextlib.closing(client.makefile("rb")) as reader:
                if not (line := reader.readline()):
                    client.close()
                    return
                thread = threading.Thread(target=self._serve, args=(client, *self._head(line, reader)), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _head(self, line, reader):
        lines = []
        while (field := reader.readline()) not in (b"\r\n", b""):
            lines.append(field)
        length = next((int(field[15:]) for field in lines if field.lower().startswith(b"content-length:")), 0)
        method, target, _ = line.decode().split(" ")
        self.asked.append((method, target))
        return method, target, lines, reader.read(length)

    def _serve(self, client, method, target, lines, body):
        address = urlsplit(target if "://" in target else f"//{target}")
        with client, socket.create_connection((address.hostname, address.port)) as server:
            if method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=self._pump, args=(client, server), daemon=True)
                back.start()
                self._pump(server, client)
                back.join(10)
            else:
                kept = [field for field in lines if not field.lower().startswith((b"connection:", b"proxy-"))]
                start = f"{method} {address.path}?{address.query} HTTP/1.1\r\nConnection: close\r\n".encode()
                server.sendall(start + b"".join(kept) + b"\r\n" + body)
                self._pump(server, client)

    @staticmethod
    def _pump(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for end, how in ((source, socket.SHUT_RD), (sink, socket.SHUT_WR)):
            with contextlib.suppress(OSError):
                end.shutdown(how)
