"""The pool of scenes: rendered once, whole or not at all."""

import threading
from pathlib import Path

import numpy as np
import pytest

from inspector.domain.errors import DeviceError
from inspector.twin.pool import load_pool, pool_key
from inspector.twin.scenes import SceneSettings, render

SMALL = SceneSettings(width=512, height=384, defect_rate=1.0)


def load(cache: Path, *seeds: int, workers: int = 0, stop: threading.Event | None = None) -> tuple[list[int], object]:
    told: list[int] = []
    pool = load_pool(
        cache,
        SMALL,
        seeds,
        workers=workers,
        stop=stop or threading.Event(),
        on_progress=lambda ready, _: told.append(ready),
    )
    for scene in pool:
        fresh = render(scene.seed, SMALL)
        np.testing.assert_array_equal(scene.pixels, fresh.pixels)
        assert scene.defects == fresh.defects
    return told, [scene.seed for scene in pool]


def test_a_pool_is_rendered_once_and_says_how_far_it_is(tmp_path: Path) -> None:
    assert load(tmp_path, 5, 6, 7) == ([0, 1, 2, 3], [5, 6, 7])
    assert load(tmp_path, 5, 6, 7) == ([3], [5, 6, 7])


def test_two_processes_render_the_same_pool(tmp_path: Path) -> None:
    assert load(tmp_path, 1, 2, 3, workers=2) == ([0, 1, 2, 3], [1, 2, 3])


def test_a_killed_rendering_resumes_where_the_truth_is_missing(tmp_path: Path) -> None:
    load(tmp_path, 1, 2)
    folder = tmp_path / pool_key(SMALL)
    (folder / "2.json").unlink()
    (folder / "2.npy").write_bytes(b"half a scene")
    assert load(tmp_path, 1, 2) == ([1, 2], [1, 2])
    assert sorted(path.name for path in folder.iterdir()) == ["1.json", "1.npy", "2.json", "2.npy"]


def test_other_settings_never_meet_the_same_cache(tmp_path: Path) -> None:
    keys = {pool_key(SceneSettings(width=512, height=384, defect_rate=rate)) for rate in (0.0, 0.5, 1.0)}
    assert len(keys) == 3


def test_a_stopped_rendering_gives_no_pool(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    assert load(tmp_path, 1, 2, stop=stop) == ([0], [])
    assert load(tmp_path, 1, 2, workers=2, stop=stop) == ([0], [])


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file, not a folder")
    with pytest.raises(DeviceError, match=r"set another twin\.cache_dir"):
        load(tmp_path / "cache", 1)
