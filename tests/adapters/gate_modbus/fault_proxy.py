"""A TCP proxy that damages what passes, for the tests of the PLC gate."""

import random
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

Damage = Callable[[bytes, random.Random], bytes]


def intact(data: bytes, rng: random.Random) -> bytes:
    return data


def one_word_flipped(data: bytes, rng: random.Random) -> bytes:
    """One bit of the words of an FC16 request; TCP would not notice, the CRC must."""
    if len(data) < 29 or data[7] != 16:
        return data
    damaged = bytearray(data)
    damaged[rng.randrange(13, 29)] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def noise(data: bytes, rng: random.Random) -> bytes:
    """Any byte anywhere, and now and then an end cut off."""
    damaged = bytearray(data)
    damaged[rng.randrange(len(damaged))] = rng.randrange(256)
    return bytes(damaged[: rng.randrange(1, len(damaged) + 1)]) if rng.random() < 0.3 else bytes(damaged)


class FaultProxy:
    """Between the gate and the PLC on ``target``. ``to_plc`` and ``from_plc`` may be changed at any time."""

    def __init__(self, target: int, seed: int = 1) -> None:
        self.to_plc: Damage = intact
        self.from_plc: Damage = intact
        self._target = target
        self._rng = random.Random(seed)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join(5)
        self._listener.close()
        self.cut()
        for thread in self._threads[1:]:
            thread.join(5)
        for connection in self._sockets:
            connection.close()

    def cut(self) -> None:
        """End every connection that stands."""
        for connection in self._sockets:
            _shut(connection)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._target), timeout=5)
            except OSError:  # nobody is behind us any more
                near.close()
                continue
            far.settimeout(None)
            self._sockets += [near, far]
            for source, sink, is_request in ((near, far, True), (far, near, False)):
                thread = threading.Thread(target=self._pump, args=(source, sink, is_request), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _pump(self, source: socket.socket, sink: socket.socket, is_request: bool) -> None:
        try:
            while data := source.recv(4096):
                damage = self.to_plc if is_request else self.from_plc
                sink.sendall(damage(data, self._rng))
        except OSError:
            pass
        _shut(source)
        _shut(sink)


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
