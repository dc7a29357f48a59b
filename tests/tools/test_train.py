"""Training can be stopped and gone on with, ends where it would have ended, and says what it cannot do."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the workshop's torch: make workshop")

from inspector.app.model_signature import make_key, signer, trust  # noqa: E402 - after the skip
from inspector.domain.errors import ConfigError  # noqa: E402 - after the skip
from tools.export import main as export  # noqa: E402 - after the skip
from tools.net import SurfaceNet  # noqa: E402 - after the skip
from tools.plan import TIERS  # noqa: E402 - after the skip
from tools.train import main  # noqa: E402 - after the skip
from tools.training.material import Material, gather, limited  # noqa: E402 - after the skip
from tools.training.plan import Plan, load_plan, save_plan  # noqa: E402 - after the skip
from tools.training.run import CHECKPOINT, Run, train  # noqa: E402 - after the skip
from tools.weights import FILE, load_weights, save_weights, start_from  # noqa: E402 - after the skip

SCENES = Plan(data="", tier="nano", seed=3, steps=6, crops=2, side=64, bank=2, scenes=1.0)


def _run(plan: Plan) -> Run:
    return Run(
        plan, Material(pools=[], labels=("crack", "scratch", "dent", "stain", "other"), used=(), held=(), troubles=())
    )


def _set(folder: Path, parts: int = 12) -> Path:
    """Draw a labelled set: a dark bar on every second part."""
    rng = np.random.default_rng(1)
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    rows = []
    for part in range(parts):
        bad = part % 2 == 1
        light = rng.integers(120, 140, (128, 160), np.uint8)
        mask = np.zeros_like(light)
        if bad:
            top, left = int(rng.integers(20, 80)), int(rng.integers(20, 100))
            light[top : top + 12, left : left + 40] = 40
            mask[top : top + 12, left : left + 40] = 1
            cv2.imwrite(str(folder / f"masks/p{part}.png"), mask)
        cv2.imwrite(str(folder / f"images/p{part}.png"), light)
        rows.append((f"images/p{part}.png", f"masks/p{part}.png" if bad else "", int(not bad), "slot" if bad else "",
                     "pixel" if bad else "good", "train", f"part{part}", "own"))  # fmt: skip
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as table:
        writer = csv.writer(table)
        writer.writerow(("file", "mask", "good", "classes", "mask_kind", "split", "group", "licence"))
        writer.writerows(rows)
    (folder / "labels.txt").write_text("slot\n", encoding="utf-8")
    return folder


def test_a_stopped_run_goes_on_and_ends_where_it_would_have_ended(tmp_path: Path) -> None:
    first = _run(SCENES)
    for _ in range(4):
        first.learn(6)
    first.save(tmp_path / CHECKPOINT, 6)
    again, whole = _run(SCENES), _run(SCENES)
    assert train(again, tmp_path, lambda _: None) == 6
    (tmp_path / "straight").mkdir()
    train(whole, tmp_path / "straight", lambda _: None)
    for resumed, straight in zip(again.smooth.parameters(), whole.smooth.parameters(), strict=True):
        assert torch.allclose(resumed, straight, atol=1e-4)


def test_one_command_trains_exports_holds_the_forms_side_by_side_and_reports(tmp_path: Path) -> None:
    data, out = _set(tmp_path / "set", 24), tmp_path / "run"
    command = ["--data", str(data), "--out", str(out), "--tier", "nano", "--steps", "60", "--crops", "4", "--side",
               "128", "--hold", "0.4", "--name", "slots"]  # fmt: skip
    main(command)
    found = json.loads((out / "export.json").read_text(encoding="utf-8"))
    assert [form["name"] for form in found["forms"]] == ["float", "int8", "int8, dynamic"]
    assert (
        found["forms"][1]["kilobytes"] < 0.36 * found["forms"][0]["kilobytes"]
    )  # of so small a net the names weigh too
    assert found["limits"][0]["label"] == "slot"
    assert found["fold_difference"] < 1e-2
    page = (out / "report.html").read_text(encoding="utf-8")
    for words in ("What was written", "How training went", "Worst misses", "Calibration"):
        assert words in page
    assert {path.name for path in (out / "model").iterdir()} == {"model.onnx", "card.toml", "MODEL_CARD.md", FILE}
    key = tmp_path / "workshop.key"
    make_key(key)
    export([str(out), "--out", str(tmp_path / "models/slots"), "--key", str(key)])
    assert signer(tmp_path / "models/slots", trust([tmp_path / "workshop.key.pub"]))
    with pytest.raises(SystemExit, match="--replace overwrites it"):
        export([str(out), "--out", str(tmp_path / "models/slots")])
    main(command)  # done already: only the end is written again


def test_another_command_for_a_begun_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run").mkdir()
    save_plan(tmp_path / "run/plan.json", SCENES)
    with pytest.raises(SystemExit) as refused:
        main(["--out", str(tmp_path / "run"), "--tier", "base"])
    assert refused.value.code == 78
    assert "was begun by another command: python -m tools.train --tier nano" in capsys.readouterr().err


def test_a_plan_comes_back_as_it_was_written(tmp_path: Path) -> None:
    plan = replace(SCENES, rename={"pit": "dent"}, sources=("a", "b"), turned=False)
    save_plan(tmp_path / "plan.json", plan)
    assert load_plan(tmp_path / "plan.json") == plan
    assert "--rename pit=dent" in plan.words()
    assert "--source a --source b" in plan.words()
    assert "--not-turned" in plan.words()


def test_good_pictures_alone_are_sent_to_teaching(tmp_path: Path) -> None:
    data = _set(tmp_path / "set")
    rows = (data / "manifest.csv").read_text(encoding="utf-8").splitlines()
    good = [rows[0], *(row for row in rows[1:] if ",good," in row)]
    (data / "manifest.csv").write_text("\n".join(good) + "\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="inspector model teach"):
        gather(Plan(data=str(data), tier="nano"))


def test_held_parts_are_never_trained_on_and_a_limit_takes_every_kind(tmp_path: Path) -> None:
    data = _set(tmp_path / "set", 20)
    material = gather(Plan(data=str(data), tier="nano", hold=0.3))
    used, held = ({record.group for record in records} for records in (material.used, material.held))
    assert not used & held
    assert len(used | held) == 20
    few = limited(material.used, 4, seed=1)
    assert sum(record.good for record in few) == 2


def test_a_net_starts_from_another_of_its_shape_and_takes_the_head_by_name(tmp_path: Path) -> None:
    torch.manual_seed(1)
    known = SurfaceNet(TIERS["nano"], 2)
    save_weights(known, ("dent", "crack"), tmp_path / FILE)
    net = SurfaceNet(TIERS["nano"], 2)
    told = start_from(net, ("crack", "rust"), tmp_path)
    assert told == "all layers, and the head for crack"
    assert torch.equal(net.head.weight[0], known.head.weight[1])
    assert torch.equal(net.parts["stem"].main[0].weight, known.parts["stem"].main[0].weight)
    with pytest.raises(ConfigError, match="but --tier asks for"):
        start_from(SurfaceNet(TIERS["base"], 2), ("crack", "rust"), tmp_path)


def test_a_file_that_holds_no_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no weights")
    with pytest.raises(ConfigError, match="no file of weights"):
        load_weights(tmp_path)
    with pytest.raises(ConfigError, match=r"no weights\.npz there"):
        load_weights(tmp_path / "nothing")


def test_a_teacher_with_other_classes_is_refused(tmp_path: Path) -> None:
    save_weights(SurfaceNet(TIERS["nano"], 2), ("dent", "crack"), tmp_path / FILE)
    with pytest.raises(ConfigError, match="its classes are dent, crack"):
        _run(replace(SCENES, teacher=str(tmp_path)))
