"""What the measurement is made of, without a clock: figures, frames, the machine's description."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.app.bench import frames, machine, serve
from inspector.app.bench.spread import growth, ratio, spread

NUMBERS = st.floats(min_value=0.0, max_value=1e6)


def test_p99_of_a_hundred_and_one_values_is_not_the_greatest() -> None:
    lies = spread([float(n) for n in range(1, 102)])
    assert (lies.count, lies.least, lies.p50, lies.p99, lies.most) == (101, 1.0, 51.0, 100.0, 101.0)


def test_one_value_is_all_of_its_spread() -> None:
    assert spread([7.5]).as_dict() == {"count": 1, "least": 7.5, "p50": 7.5, "p99": 7.5, "most": 7.5}


def test_a_spread_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no value"):
        spread([])


@given(st.lists(NUMBERS, min_size=1))
def test_every_figure_was_measured_and_they_are_in_order(values: list[float]) -> None:
    lies = spread(values)
    assert {lies.least, lies.p50, lies.p99, lies.most} <= set(values)
    assert lies.least <= lies.p50 <= lies.p99 <= lies.most


@given(st.floats(-100, 100), st.floats(-100, 100))
def test_growth_is_the_slope_of_a_line(slope: float, level: float) -> None:
    places = [0.0, 100.0, 250.0, 900.0]
    assert growth(places, [level + slope * place for place in places]) == pytest.approx(slope, abs=1e-6)


def test_nothing_grows_at_one_place() -> None:
    assert growth([], []) == growth([3.0, 3.0], [1.0, 2.0]) == 0.0


def test_a_ratio_to_nothing_is_none() -> None:
    assert ratio(3.0, 0.0) is None
    assert ratio(3.0, 2.0) == 1.5


def test_the_flags_that_decide_speed_are_read(tmp_path: Path) -> None:
    told = tmp_path / "cpuinfo"
    told.write_text(
        "processor : 0\nmodel name\t: Some CPU\nflags\t\t: fpu avx2 avx512_vnni\n\nprocessor : 1\nflags : amx_int8\n"
    )
    found = machine.describe(told)
    assert found["cpu"] == "Some CPU"
    assert found["flags"]["avx512_vnni"]
    assert not found["flags"]["amx_int8"]
    assert found["versions"].keys() >= {"inspector", "numpy", "onnxruntime"}
    assert found["at"].endswith("Z")


def test_a_machine_without_cpuinfo_is_described_all_the_same(tmp_path: Path) -> None:
    assert machine.describe(tmp_path / "none")["cpu"]


def test_usual_sensors_have_their_own_sides_and_others_are_four_by_three() -> None:
    assert frames.sides(12) == (4096, 3000)
    width, height = frames.sides(8)
    assert width * height == pytest.approx(8e6, rel=0.01)
    assert width / height == pytest.approx(4 / 3, rel=0.01)
    assert width % 8 == height % 8 == 0


@pytest.mark.parametrize("count", [0, 1, 7, 400, 5000])
def test_as_many_marks_are_strewn_as_asked_each_in_its_own_cell(count: int) -> None:
    places = frames.grid(4096, 3000, count)
    assert places.shape == (count, 2)
    assert len({(x // 32, y // 32) for x, y in places.tolist()}) == count  # two would be joined by the decoder
    assert not count or (places.min() >= 0 and (places.max(axis=0) < (4096, 3000)).all())


def test_marks_are_seen_on_the_frame_and_beside_it(tmp_path: Path) -> None:
    clean, marked = frames.write_strewn(tmp_path, 512, 384, (0, 12))
    places = np.load(frames.marks_of(marked))
    before, after = np.load(clean), np.load(marked)
    assert len(places) == 12
    assert all(after[y, x] < before[y, x] for x, y in places.tolist())
    assert len(np.load(frames.marks_of(clean))) == 0


def test_the_most_memory_is_what_the_kernel_says(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text("VmPeak:\t  999999 kB\nVmHWM:\t   2048 kB\n")
    assert serve.peak_mb(status) == 2.0
    assert serve.peak_mb(tmp_path / "none") == 0.0
    assert serve.peak_mb() > 10
