"""A whole line over a scripted plant, and the law it must keep."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from inspector.adapters.collection_files import open_collection
from inspector.domain.errors import InspectorError
from inspector.domain.frame import PartId
from inspector.domain.inspection import GateTold, Inspection, OpenedPart
from inspector.domain.verdict import Outcome
from inspector.pipeline.activate import RevisionSource
from inspector.pipeline.detect import Detector
from inspector.pipeline.line import Line, Tuning
from inspector.pipeline.status import StatusFile
from inspector.pipeline.ticket import Equipment
from inspector.ports.evidence import FrameFolder
from inspector.ports.live_picture import LiveStage
from inspector.ports.model import Decoder
from inspector.ports.trigger import TriggerEvent, TriggerPosition
from tests import fakes

TOLD = {GateTold.SENT, GateTold.ACKNOWLEDGED}


class Plant:
    """Parts, camera, gate, book, and the line between them. Change a part of it, then ``run``."""

    def __init__(
        self,
        folder: Path,
        *,
        events: Iterable[int | TriggerEvent | InspectorError],
        shots: Iterable[fakes.Shot | InspectorError],
        pitch_s: float = 0.0,
        paced: bool = True,
        deadline_s: float = 10.0,
        jobs: Sequence[int] = (),
        handoff_depth: int = 2,
        pictures_waiting: int = 4,
        position: TriggerPosition | None = None,
        archive: fakes.FakeArchive | None = None,
    ) -> None:
        self.stop = threading.Event()
        self.recorder = fakes.FakeRecorder()
        self.journal_health = self.recorder.health
        self.trigger = fakes.FakeTrigger(
            events, stop=self.stop, recorder=self.recorder, pitch_s=pitch_s, paced=paced, position=position
        )
        self.shots = list(shots)
        self.camera = fakes.FakeCamera(self.shots)
        self.gate = fakes.FakeGate()
        self.evidence = fakes.FakeEvidence()
        self.requests = fakes.FakeRequests()
        self.references = fakes.FakeReferences()
        self.revisions: RevisionSource | None = None
        self.live: LiveStage | None = None
        self.collect_into: Callable[[Path], FrameFolder] = open_collection
        self.runtime = fakes.FakeRuntime()
        self.decoder: Decoder = fakes.FakeDecoder()
        self.archive = archive or fakes.FakeArchive()
        self.attempts: Callable[[str], int] = lambda _serial: 1
        self.flush: Callable[[float], bool] = lambda _: True
        self.station = fakes.station(deadline_s=deadline_s, jobs=jobs)
        self.tuning = Tuning(
            handoff_depth=handoff_depth,
            pictures_waiting=pictures_waiting,
            sync_window_s=0.15 if pitch_s else fakes.WINDOW_S,
            hang_limit_s=30.0,
        )
        self.further_models: dict[str, Detector] = {}
        self.status = StatusFile(folder)
        counted = self.trigger.counted_at
        self.camera.taken_at = lambda shot: counted.get(shot.part_seq, time.monotonic())
        if pitch_s:
            self.camera.taken_at = lambda shot: (
                self.trigger._begun + pitch_s * (shot.part_seq if shot.at is None else shot.at)
            )

    def line(self) -> Line:
        return Line(
            station=self.station,
            equipment=self.equipment(),
            detectors={
                "fake": Detector(card=fakes.card(), runtime=self.runtime, decoder=self.decoder),
                **self.further_models,
            },
            tuning=self.tuning,
            status=self.status,
            journal_health=self.journal_health,
            stop=self.stop,
        )

    def equipment(self) -> Equipment:
        return Equipment(
            trigger=self.trigger,
            camera=self.camera,
            gate=self.gate,
            annunciator=self.gate,
            recorder=self.recorder,
            archive=self.archive,
            evidence=self.evidence,
            attempts=self.attempts,
            flush=self.flush,
            take_lost=list,
            requests=self.requests,
            collect_into=self.collect_into,
            references=self.references,
            revisions=self.revisions,
            live=self.live,
        )

    def run(self) -> int:
        return self.line().run(notify=lambda _line: None)

    @property
    def records(self) -> dict[int, Inspection]:
        return {inspection.part.part_seq: inspection for inspection in self.recorder.closed}

    def rule(self, part_seq: int) -> str:
        return self.records[part_seq].verdict.decision.rule

    def outcomes(self) -> dict[int, Outcome]:
        return {part_seq: inspection.verdict.outcome for part_seq, inspection in self.records.items()}

    def law_holds(self, parts: Iterable[int]) -> None:
        """One Inspection a part; what the gate was told is what is recorded; a bad or faulty part never passes."""
        assert sorted(i.part.part_seq for i in self.recorder.closed) == sorted(parts)
        self.gate_agrees()

    def gate_agrees(self) -> None:
        bad = {shot.part_seq for shot in self.shots if isinstance(shot, fakes.Shot) and shot.bad}
        told = dict(self.gate.told)
        assert len(told) == len(self.gate.told)
        for part_seq, inspection in self.records.items():
            if inspection.gate_told in TOLD:
                assert told[part_seq] is inspection.verdict.outcome
            else:
                assert part_seq not in told
                assert inspection.verdict.outcome is not Outcome.PASS
            if part_seq in bad or inspection.verdict.decision.rule.startswith("law."):
                assert told.get(part_seq) is not Outcome.PASS
                assert inspection.verdict.outcome is not Outcome.PASS
            if inspection.verdict.outcome is Outcome.PASS:
                assert part_seq in self.runtime.looked_at
        assert {part_seq for part_seq, _ in self.gate.told} <= set(self.gate.expected)


def opened(part_seq: int, series: int = 1, serial: str = "") -> OpenedPart:
    """A part as a crash leaves it: opened, never closed."""
    return OpenedPart(
        part=PartId(part_seq=part_seq, series=series, serial=serial),
        station="left",
        opened_utc=datetime.now(UTC),
        opened_at=0.0,
        recipe=fakes.station().recipes[0].stamp,
        model=fakes.MODEL,
        settings_sha256="2" * 64,
    )
