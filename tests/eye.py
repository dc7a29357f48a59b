"""A live view over real files, fed with frames as the record thread feeds it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from inspector.adapters.live_files import StageFiles
from inspector.domain.frame import CameraStamp, Capture, Frame, PartId, PixelFormat, Pixels
from inspector.domain.inspection import GateTold, Timings
from inspector.domain.verdict import undecided
from inspector.pipeline.live_view import LiveView
from inspector.pipeline.sight import Limits
from inspector.pipeline.supervise import Pulse
from inspector.pipeline.ticket import Judged, Ticket
from inspector.ports.sight import Learned
from tests import fakes
from tests.pipeline.plant import opened


def judged(part_seq: int, pixels: Pixels | None, pixel_format: PixelFormat = PixelFormat.MONO8) -> Judged:
    """A part as it comes to the record thread."""
    ticket = Ticket(opened=opened(part_seq), recipe=fakes.station().recipes[0], deadline=0.0, epoch=1)
    frame = None
    if pixels is not None:
        capture = Capture(
            pixels=pixels,
            pixel_format=pixel_format,
            frame_no=part_seq,
            taken_at=time.monotonic(),
            taken_utc=datetime.now(UTC),
            camera=CameraStamp(serial="1", exposure_us=400.0),
        )
        frame = Frame(part=PartId(part_seq=part_seq), capture=capture)
    verdict = undecided("x", rule="law.model")
    return Judged(ticket=ticket, verdict=verdict, detections=(), timings=Timings(), told=GateTold.SENT, frame=frame)


@contextmanager
def open_view(
    folder: Path, reference: Callable[[str], tuple[Learned, Limits] | None] = lambda _recipe: None
) -> Iterator[LiveView]:
    """The view with its thread running."""
    stop = threading.Event()
    view = LiveView(stage=StageFiles(folder), reference=reference, stop=stop, pulse=Pulse(name="live", limit_s=60.0))
    thread = threading.Thread(target=view.run, name="live")
    thread.start()
    try:
        yield view
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


@contextmanager
def passing_parts(view: LiveView, pixels: Pixels, pixel_format: PixelFormat = PixelFormat.MONO8) -> Iterator[None]:
    """Parts that come one after the other, all showing this."""
    stop = threading.Event()

    def feed() -> None:
        part_seq = 0
        while not stop.wait(0.05):
            part_seq += 1
            view.offer(judged(part_seq, pixels, pixel_format))

    thread = threading.Thread(target=feed, name="parts")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
