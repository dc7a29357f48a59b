"""References of optics survive the disk, and say so where they do not."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from inspector.adapters.optics_files import OpticsFiles
from inspector.domain.errors import JournalError
from inspector.domain.frame import PixelFormat
from inspector.pipeline.sight import glance, reference_of
from inspector.ports.sight import Learned, Setup


def a_reference(recipe: str = "critical") -> Learned:
    random = np.random.default_rng(1)
    frames = [random.integers(60, 190, (96, 128), np.uint8) for _ in range(5)]
    setup = Setup(
        recipe=recipe,
        recipe_sha256="1" * 64,
        serial="GV01",
        width=128,
        height=96,
        pixel_format="Mono8",
        camera_sha256="2" * 64,
    )
    reference = reference_of([glance(frame, PixelFormat.MONO8) for frame in frames])
    return Learned(setup=setup, reference=reference, learned_utc=datetime(2026, 11, 24, tzinfo=UTC), by="line")


def test_a_reference_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    book = OpticsFiles(tmp_path / "optics")
    assert book.read("critical") is None
    kept = a_reference()
    book.keep(kept)
    found = book.read("critical")
    assert found is not None
    assert (found.setup, found.learned_utc, found.by) == (kept.setup, kept.learned_utc, kept.by)
    for name in ("frames", "light", "burnt", "dark", "sharpness"):
        assert getattr(found.reference, name) == getattr(kept.reference, name)
    assert (found.reference.rough == kept.reference.rough).all()
    assert (found.reference.low == kept.reference.low).all()
    assert (found.reference.high == kept.reference.high).all()
    assert [path.name for path in (tmp_path / "optics").iterdir()] == ["critical.npz"]


@pytest.mark.parametrize("damage", ["cut short", "other bytes", "a picture of another kind"])
def test_a_file_that_is_none_is_named(tmp_path: Path, damage: str) -> None:
    book = OpticsFiles(tmp_path)
    book.keep(a_reference())
    path = book.path("critical")
    if damage == "cut short":
        path.write_bytes(path.read_bytes()[:-50])
    elif damage == "other bytes":
        path.write_bytes(b"nothing of the kind")
    else:
        np.savez(path, about=np.frombuffer(b"{}", np.uint8), low=np.zeros(3), high=np.zeros(3), rough=np.zeros(3))
    with pytest.raises(JournalError, match=r"critical\.npz: is no reference of optics .*learn a new one"):
        book.read("critical")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "optics").write_text("a file")
    with pytest.raises(JournalError, match="cannot be written"):
        OpticsFiles(tmp_path / "optics").keep(a_reference())
