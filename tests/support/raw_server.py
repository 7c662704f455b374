"""A server that says whatever bytes it is told to, at the pace it is told to."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Talk = Callable[["Peer"], None]


class Peer:
    """One connection, as the server sees it."""

    def __init__(self, connection: socket.socket, ended: threading.Event) -> None:
        self.connection = connection
        self.ended = ended

    def request(self) -> bytes:
        """Read one request, its head and a body of the length that it gives."""
        text = b""
        while b"\r\n\r\n" not in text:
            more = self.connection.recv(65536)
            if not more:
                raise ConnectionError
            text += more
        head, _, body = text.partition(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")), 0)
        while len(body) < length:
            body += self.connection.recv(65536)
        return head + b"\r\n\r\n" + body

    def say(self, *texts: bytes) -> None:
        for text in texts:
            self.connection.sendall(text)

    def drip(self, text: bytes, pause: float = 0.02) -> None:
        """Say one byte after the other, with pauses, until the other side is gone."""
        for byte in text:
            self.say(bytes([byte]))
            if self.ended.wait(pause):
                return


@contextmanager
def serving(talk: Talk) -> Iterator[str]:
    """Let `talk` answer every connection; yields the address, and ends all of them afterwards.

    On a busy machine connections may wait to be accepted then: they are answered as well, up to a last one of our own.
    """
    ended = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    last = socket.socket()
    last.bind(("127.0.0.1", 0))
    of_last = last.getsockname()
    threads = []

    def answer(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            talk(Peer(connection, ended))

    def accept() -> None:
        while True:
            connection, address = listener.accept()
            if address == of_last:
                connection.close()
                return
            thread = threading.Thread(target=answer, args=[connection])
            threads.append(thread)
            thread.start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        ended.set()
        with listener, last:
            last.connect(listener.getsockname())
            accepting.join(5)
        for thread in [accepting, *threads]:
            thread.join(5)
            assert not thread.is_alive(), "the client left a connection open"
