"""`inspector inspect` judges files: one record each, whatever is in them; an unusable one shows in the exit code."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from inspector.twin.scenes import SceneSettings, render
from tests.app.conftest import Verb

MEANS = "recipe critical, model surface-small 0.2.0, 20 px/mm"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pictures")
    good = render(6000, SceneSettings(width=512, height=384, defect_rate=0.0)).pixels
    named = {name: folder / f"{name}.png" for name in ("good", "truncated", "empty", "deep", "text", "colour")}
    cv2.imwrite(str(named["good"]), good)
    cv2.imwrite(str(named["colour"]), cv2.cvtColor(good, cv2.COLOR_GRAY2BGR))
    cv2.imwrite(str(named["deep"]), good.astype(np.uint16) * 256)
    whole = named["good"].read_bytes()
    named["truncated"].write_bytes(whole[: len(whole) // 2])
    named["empty"].write_bytes(b"")
    named["text"].write_text("this is no picture\n", encoding="utf-8")
    named["absent"] = folder / "absent.png"
    return named


def test_every_file_gives_one_record_and_an_unusable_one_exit_65(pictures: dict[str, Path], tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    command = [sys.executable, "-m", "inspector", "inspect", *map(str, pictures.values()), "--json"]
    done = subprocess.run([*command, "--annotate", str(seen)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 65, done.stderr
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [record["partId"] for record in records] == [path.name for path in pictures.values()]
    by_name = dict(zip(pictures, records, strict=True))
    for name in ("truncated", "empty", "deep", "text", "absent"):
        assert by_name[name]["resultEvaluation"] == 3, name
        assert str(pictures[name]) in done.stderr or name == "deep"
        assert by_name[name]["resultContent"]["reason"]
    for name in ("good", "colour"):
        assert by_name[name]["resultEvaluation"] in {1, 2}
    assert all(record["isSimulated"] for record in records)
    assert not any({"journalSeq", "partSeq", "gateTold"} & record.keys() for record in records)
    assert len({record["resultId"] for record in records}) == len(records)
    drawn = {path.name.split(".")[0] for path in seen.iterdir()}
    assert {"good", "colour"} <= drawn <= {"good", "colour", "deep"}
    for path in seen.iterdir():
        picture = cv2.imread(str(path))
        assert picture is not None
        assert picture.shape[0] > 384
        assert picture.shape[1:] == (512, 3)


def test_usable_files_exit_0_and_are_told_in_words(pictures: dict[str, Path], verb: Verb) -> None:
    done = verb("inspect", pictures["good"], pictures["colour"])
    assert done.exit_code == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert [line.split()[0] in {"PASS", "FAIL", "UNDECIDED"} for line in lines] == [True, True]
    assert str(pictures["good"]) in lines[0]


@pytest.mark.parametrize("name", ["truncated", "empty", "deep", "text", "absent"])
def test_a_file_that_cannot_be_used_is_undecided_and_never_passes(
    pictures: dict[str, Path], verb: Verb, name: str
) -> None:
    done = verb("inspect", pictures[name])
    assert done.exit_code == 65
    assert done.stdout.startswith("UNDECIDED")
    assert (done.stdout + done.stderr).count(str(pictures[name])) == 1
    assert done.stderr == f"{MEANS} (assumed: give --px-per-mm)\n"


def test_a_scale_that_is_given_is_not_called_assumed(pictures: dict[str, Path], verb: Verb) -> None:
    assert verb("inspect", pictures["good"], "--px-per-mm", "20").stderr == f"{MEANS}\n"


def test_a_folder_is_refused_with_what_to_give(pictures: dict[str, Path], verb: Verb) -> None:
    folder = pictures["good"].parent
    done = verb("inspect", pictures["good"], folder)
    assert (done.exit_code, done.stdout) == (78, "")
    assert f"{folder}: is a folder; give files: {folder}/*.png" in done.stderr


def test_a_defect_is_told_with_its_confidence_size_and_place(tmp_path: Path, verb: Verb) -> None:
    for seed in range(6100, 6110):
        scene = render(seed, SceneSettings(width=768, height=640, defect_rate=1.0))
        cv2.imwrite(str(tmp_path / f"{seed}.png"), scene.pixels)
    done = verb("inspect", *sorted(tmp_path.glob("*.png")), "--annotate", tmp_path / "seen")
    assert done.exit_code == 0, done.stderr
    told = [line for line in done.stdout.splitlines() if line.startswith(" ")]
    assert told
    assert all("confidence" in line and " mm " in line and " px" in line for line in told)
    assert len(list((tmp_path / "seen").iterdir())) == 10


def test_two_pictures_of_one_name_are_both_drawn(pictures: dict[str, Path], tmp_path: Path, verb: Verb) -> None:
    twins = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        twins.append(tmp_path / folder / "part.png")
        twins[-1].write_bytes(pictures["good"].read_bytes())
    verb("inspect", *twins, "--annotate", tmp_path / "seen")
    assert len(list((tmp_path / "seen").iterdir())) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--recipe", "imaginary"], "no such recipe; give a file, or one of: background, critical"),
        (["--model", "/nonexistent"], "/nonexistent: no such model package"),
        (["--px-per-mm", "500"], "was made for 10.0 to 40.0 px/mm"),
        (["--annotate", "/proc/nowhere"], "--annotate /proc/nowhere"),
    ],
)
def test_what_does_not_fit_is_refused_before_any_picture(
    pictures: dict[str, Path], verb: Verb, words: list[str], message: str
) -> None:
    done = verb("inspect", pictures["good"], *words)
    assert done.exit_code == 78
    assert message in done.stderr
    assert done.stdout == ""


@pytest.mark.realdata
@pytest.mark.long
def test_composed_frames_of_12_megapixels_give_one_record_each(shared: Path, tmp_path: Path) -> None:
    images = sorted((shared / "data" / "frames12").glob("*public_?.png"))
    assert len(images) == 6
    done = subprocess.run(
        [sys.executable, "-m", "inspector", "inspect", *map(str, images), "--json", "--annotate", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [record["partId"] for record in records] == [path.name for path in images]
    assert len(list(tmp_path.iterdir())) == 6
