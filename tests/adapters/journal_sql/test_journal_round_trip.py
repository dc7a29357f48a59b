"""Whatever the domain can say, the book says again, to the bit."""

import math
import string
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inspector.adapters.journal_sql import open_for_people, open_journal, open_recorder
from inspector.domain.detection import Detection
from inspector.domain.frame import CameraStamp, PartId
from inspector.domain.geometry import Box, Polygon
from inspector.domain.inspection import (
    AlarmEvent,
    Disposal,
    EvidenceRef,
    GateTold,
    Inspection,
    ModelStamp,
    RecipeStamp,
    Timings,
)
from inspector.domain.verdict import Decision, Defect, Outcome, Severity, Verdict
from tests.adapters.journal_sql.records import CRACKED, NOW, STATION, inspection, opened

WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
NUMBERS = st.floats(allow_nan=False)
SIZES = st.floats(min_value=0, allow_nan=False, allow_infinity=False)
PLACES = st.floats(allow_nan=False, allow_infinity=False)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis
SHA = st.text(string.hexdigits.lower(), min_size=64, max_size=64)
INTEGERS = st.integers(-(1 << 63), (1 << 63) - 1)
PARTS = st.builds(PartId, part_seq=st.integers(1, (1 << 32) - 1), series=st.integers(1, 1000), serial=WORDS, lot=WORDS)
DETECTIONS = st.builds(
    Detection,
    label=WORDS,
    score=st.floats(0, 1),
    box=st.builds(Box, x=PLACES, y=PLACES, width=SIZES, height=SIZES),
    length_px=SIZES,
    width_px=SIZES,
    area_px=SIZES,
    outline=st.none()
    | st.builds(Polygon, corners=st.lists(st.tuples(PLACES, PLACES), min_size=3, max_size=5).map(tuple)),
)
DEFECTS = st.builds(
    Defect,
    detection=DETECTIONS,
    severity=st.sampled_from(Severity),
    weight=NUMBERS,
    sure=st.booleans(),
    rule=WORDS,
    length_mm=st.none() | SIZES,
    width_mm=st.none() | SIZES,
    area_mm2=st.none() | SIZES,
)
VERDICTS = st.builds(
    Verdict,
    outcome=st.sampled_from(Outcome),
    reason=WORDS,
    decision=st.builds(Decision, rule=WORDS, measured=NUMBERS, limit=NUMBERS, unit=WORDS),
    defects=st.lists(DEFECTS, max_size=3).map(tuple),
    severity_score=NUMBERS,
)
INSPECTIONS = st.builds(
    Inspection,
    result_id=st.uuids(),
    part=PARTS,
    station=st.just(STATION),
    verdict=VERDICTS,
    detections=st.lists(DETECTIONS, max_size=3).map(tuple),
    gate_told=st.sampled_from(GateTold),
    recipe=st.builds(RecipeStamp, name=WORDS, sha256=SHA, job=INTEGERS),
    model=st.builds(ModelStamp, name=WORDS, version=WORDS, sha256=SHA, runtime=WORDS),
    settings_sha256=SHA,
    created_utc=MOMENTS,
    opened_utc=MOMENTS,
    timings=st.builds(Timings, grab=SIZES, infer=SIZES, total=SIZES),
    software=WORDS,
    attempt=st.integers(1, 9),
    camera=st.none() | st.builds(CameraStamp, serial=WORDS, exposure_us=st.none() | SIZES, gain_db=st.none() | NUMBERS),
    scale_id=WORDS,
    scale_due=WORDS,
    evidence=st.none()
    | st.builds(
        EvidenceRef,
        path=WORDS,
        sha256=SHA,
        width=st.integers(1, 9000),
        height=st.integers(1, 9000),
        lossless=st.booleans(),
        crops=st.lists(WORDS, max_size=2).map(tuple),
    ),
    evidence_note=WORDS,
    kept_probability=st.floats(0, 1),
    clock_synced=st.booleans(),
    simulated=st.booleans(),
    shift=WORDS,
    encoder=st.none() | INTEGERS,
)
DISPOSALS = st.builds(
    Disposal,
    part=PARTS,
    station=WORDS,
    commanded=WORDS,
    confirmed=st.none() | st.booleans(),
    bin=WORDS,
    at_utc=MOMENTS,
)
ALARMS = st.builds(
    AlarmEvent,
    code=WORDS,
    station=WORDS,
    action=WORDS,
    text=WORDS,
    at_utc=MOMENTS,
    details=st.dictionaries(WORDS, WORDS, max_size=3),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        INSPECTIONS | DISPOSALS | ALARMS,
        min_size=1,
        max_size=6,
        unique_by=(
            lambda event: (event.part.series, event.part.part_seq) if isinstance(event, Inspection) else object(),
            lambda event: event.result_id if isinstance(event, Inspection) else object(),
        ),
    )
)
def test_every_event_comes_back_equal_and_in_order(events: list[Inspection | Disposal | AlarmEvent]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"
        with open_recorder(path, station=STATION) as recorder:
            for event in events:
                if isinstance(event, Inspection):
                    recorder.close(event)
                else:
                    recorder.note(event)
        with open_journal(path, read_only=True) as journal:
            entries = journal.after(0)
    assert [entry.event for entry in entries] == events
    assert [entry.journal_seq for entry in entries] == list(range(1, len(events) + 1))


def test_an_opened_part_comes_back_equal(path: Path) -> None:
    with open_recorder(path, station=STATION) as recorder:
        recorder.open(opened(1, serial="S1", lot="L1"))
        recorder.open(opened(2, station="right"))
    with open_journal(path, station=STATION) as journal:
        assert journal.unfinished() == [opened(1, serial="S1", lot="L1")]


def test_not_a_number_stays_not_a_number_and_closes_its_part(path: Path) -> None:
    verdict = Verdict(
        outcome=Outcome.FAIL,
        reason="",
        decision=Decision(rule="r", measured=math.nan, limit=math.inf, unit=""),
        severity_score=math.nan,
    )
    with open_recorder(path, station=STATION) as recorder:
        recorder.close(inspection(1, verdict))
    with open_journal(path) as journal:
        born = journal.after(0)[0].event
    assert isinstance(born, Inspection)
    assert math.isnan(born.verdict.decision.measured)
    assert math.isnan(born.verdict.severity_score)
    assert born.verdict.decision.limit == math.inf


def test_numbers_of_numpy_are_written_as_numbers(path: Path) -> None:
    seen = Detection(
        label="dent",
        score=np.float32(0.5),  # type: ignore[arg-type]
        box=Box(x=np.float32(1), y=np.int64(2), width=np.float32(3), height=np.float64(4)),  # type: ignore[arg-type]
        length_px=np.float32(5),  # type: ignore[arg-type]
        width_px=np.float32(6),  # type: ignore[arg-type]
        area_px=np.int32(7),  # type: ignore[arg-type]
    )
    born = inspection(1, CRACKED, detections=(seen,), encoder=np.int32(9))
    with open_recorder(path, station=STATION) as recorder:
        recorder.close(born)
    with open_journal(path) as journal:
        assert journal.after(0)[0].event == born


def test_the_result_id_is_found_as_written(path: Path) -> None:
    born = inspection(1, CRACKED, created_utc=NOW)
    with open_recorder(path, station=STATION) as recorder:
        recorder.close(born)
    with open_for_people(path, read_only=True) as book:
        found = book.history.part(born.result_id)
        assert found is not None
        assert (found.inspection, found.reviews, found.disposals) == (born, (), ())
        assert book.history.part(UUID(int=1)) is None
