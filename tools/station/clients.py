"""Busy clients of a station, in a process of their own: two that watch Live, and three that turn pages."""

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from types import TracebackType
from typing import Self

import httpx

from tools.station.plant import Running

LIVE = "live"
PAGES: dict[str, Sequence[str]] = {
    LIVE: ("/live",),
    "live, too": ("/live",),
    "review": ("/review", "/review?order=nearest", "/review?kind=borderline", "/review/next"),
    "history": ("/history", "/history?outcome=FAIL", "/history?label=crack", "/history?overruled=1"),
    "charts": ("/charts",),
}
"""What each client looks at."""
CLIENT_NICE = 5
_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    url: str
    cookies: dict[str, str]
    think_s: float


class Clients:
    """Clients that work between ``go`` and ``rest``; ``answers`` counts pages and events that came."""

    def __init__(self, it: Running, cookies: dict[str, str], *, think_s: float) -> None:
        spawned = get_context("spawn")
        self._go, self._end = spawned.Event(), spawned.Event()
        self._ready = spawned.Event()
        self._counts = spawned.Array("q", len(PAGES))
        self._troubles = spawned.Value("q", 0)
        order = _Order(url=it.url, cookies=cookies, think_s=think_s)
        self._process = spawned.Process(
            target=_work, args=(order, self._ready, self._go, self._end, self._counts, self._troubles), name="clients"
        )

    def __enter__(self) -> Self:
        self._process.start()
        self._ready.wait(_TIMEOUT_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._go.set()
        self._process.join(_TIMEOUT_S)
        self._process.kill()

    def go(self) -> None:
        """Begin."""
        self._go.set()

    def rest(self) -> None:
        """Stop; streams are closed."""
        self._go.clear()

    def answers(self) -> dict[str, int]:
        """What each client was given so far: events of a stream, or pages."""
        return dict(zip(PAGES, self._counts[:], strict=True))

    def troubles(self) -> int:
        """Answers that were none."""
        return int(self._troubles.value)


def _work(order: _Order, ready: Event, go: Event, end: Event, counts: "list[int]", troubles: "_Number") -> None:
    """Entry point of the clients' process."""
    os.nice(CLIENT_NICE)
    threads = []
    for place, (name, pages) in enumerate(PAGES.items()):

        def count(place: int = place) -> None:
            counts[place] += 1

        act = _watch if name.startswith(LIVE) else _turn
        given = (act, order, pages, go, end, count, troubles)
        threads.append(threading.Thread(target=_client, args=given, name=name))
    for thread in threads:
        thread.start()
    ready.set()
    for thread in threads:
        thread.join()


class _Number:
    """A shared count, as multiprocessing gives it."""

    value: int


Act = Callable[[httpx.Client, "_Order", Sequence[str], Event, Callable[[], None]], None]


def _client(
    act: Act,
    order: _Order,
    pages: Sequence[str],
    go: Event,
    end: Event,
    count: Callable[[], None],
    troubles: _Number,
) -> None:
    with httpx.Client(base_url=order.url, cookies=order.cookies, timeout=_TIMEOUT_S, follow_redirects=True) as client:
        while not end.is_set():
            go.wait()
            if end.is_set():
                return
            try:
                act(client, order, pages, go, count)
            except httpx.HTTPError:
                troubles.value += 1
                time.sleep(order.think_s)


def _watch(client: httpx.Client, _order: _Order, pages: Sequence[str], go: Event, count: Callable[[], None]) -> None:
    """Load Live, and hear its stream until it is time to rest."""
    for page in pages:
        client.get(page).raise_for_status()
    with client.stream("GET", "/events?screen=live") as stream:
        stream.raise_for_status()
        for line in stream.iter_lines():
            if line.startswith("event:"):
                count()
            if not go.is_set():
                return


def _turn(client: httpx.Client, order: _Order, pages: Sequence[str], go: Event, count: Callable[[], None]) -> None:
    """Turn pages, with a little thought between."""
    for page in pages:
        if not go.is_set():
            return
        with suppress(httpx.TimeoutException):
            client.get(page).raise_for_status()
            count()
        time.sleep(order.think_s)
