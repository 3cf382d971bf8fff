"""A network between an application and PostgreSQL that breaks where it hurts: at a COMMIT.

Either the server never hears of it, or it commits and nobody hears the answer. The messages are those of
https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

import random
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingUnixStreamServer
from typing import Self

from sqlalchemy import make_url

COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"


class Network(ThreadingUnixStreamServer):
    """Stands for the server at `url`. Once it breaks, `share` of the commits are cut off, but no more than `most`."""

    request_queue_size = 128  # as many may knock at once

    def __init__(self, server: str, chance: random.Random, share: float, most: int) -> None:
        self._far = make_url(server)
        self._chance = chance
        self._share = share
        self._most = most
        self.breaks = False
        self.hangs = False  # while nothing gets through
        self.held = 0  # messages that wait meanwhile
        self.unheard = 0  # commits that did not reach the server
        self.unanswered = 0  # commits whose answer was lost
        self._lock = threading.Lock()
        self._lines: set[_Line] = set()
        self._is_open = True
        self._home = tempfile.mkdtemp(prefix="demands-network-")
        super().__init__(f"{self._home}/.s.PGSQL.5432", _Line)

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, name="network").start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        with self._lock:
            self._is_open = self.hangs = False
            for line in self._lines:
                line.cut()
        self.server_close()  # waits for the threads of the lines
        shutil.rmtree(self._home)

    @property
    def url(self) -> str:
        near = self._far.set(host=None, port=None).update_query_dict({"host": self._home})
        return near.render_as_string(hide_password=False)

    def reach_the_server(self) -> socket.socket:
        host, port = str(self._far.query.get("host") or self._far.host), self._far.port or 5432
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        far = socket.socket(socket.AF_UNIX)
        far.connect(f"{host}/.s.PGSQL.{port}")
        return far

    @contextmanager
    def knowing(self, line: "_Line") -> Iterator[None]:
        """While a line is open; one that was not yet when the network ended is cut at once."""
        with self._lock:
            self._lines.add(line)
            if not self._is_open:
                line.cut()
        try:
            yield
        finally:
            with self._lock:
                self._lines.remove(line)

    def loses(self, message: bytes, line: "_Line") -> bool:
        """Whether the server never gets to see it."""
        if message != COMMIT:
            return False
        with self._lock:
            is_left = self.unheard + self.unanswered < self._most
            if not (self.breaks and is_left and self._chance.random() < self._share):
                return False
            if self._chance.random() < 0.5:
                self.unheard += 1
                return True
            self.unanswered += 1
            line.is_lost = True
            return False

    def hold(self) -> None:
        with self._lock:
            self.held += 1
        while self.hangs:
            time.sleep(0.01)
        with self._lock:
            self.held -= 1


class _Line(BaseRequestHandler):
    """One connection. Whichever way ends first ends the other."""

    server: Network
    is_lost = False  # once an answer must not arrive

    def handle(self) -> None:
        with suppress(OSError), self.server.reach_the_server() as self.far, self.server.knowing(self):
            back = threading.Thread(target=self._back, name="network-back")
            back.start()
            with suppress(OSError):
                self._there()
            self.cut()
            back.join()

    def cut(self) -> None:
        for end in (self.request, self.far):
            with suppress(OSError):  # gone already
                end.shutdown(socket.SHUT_RDWR)

    def _there(self) -> None:
        """Message by message; the first one has no type."""
        with self.request.makefile("rb") as near:
            head = b""
            while size := near.read(4):
                message = head + size + near.read(int.from_bytes(size, "big") - 4)
                if self.server.loses(message, self):
                    return
                self.server.hold()
                self.far.sendall(message)
                head = near.read(1)

    def _back(self) -> None:
        with suppress(OSError):
            while (data := self.far.recv(65536)) and not self.is_lost:
                self.request.sendall(data)
        self.cut()
