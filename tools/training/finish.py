"""End a training: the package, what was found out about it, and the page that shows it."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.twin.scenes import SceneSettings
from tools.card import CardFacts
from tools.data.reading import read, read_sides, renamed, with_sides
from tools.data.record import Choice, Record, is_shippable
from tools.data.scenes import write_scenes
from tools.evaluation.evaluate import Question, evaluate, look_again
from tools.evaluation.report import chosen, write_report
from tools.export import Exported, export, exported_as_json, look
from tools.plan import NORM_MIDDLE, NORM_SCALE
from tools.productcard import write_product_card
from tools.training import sections
from tools.training.material import Material
from tools.training.run import Run
from tools.training.sampler import draw_batch
from tools.training.sections import Gain
from tools.weights import FILE, save_weights

_CROPS, _CROP_SEED, _CROP_SIDE = 128, 99, 320
_SCENES = range(3_000, 3_128)
"""Rendered parts that set the limits of nets trained on scenes: no training and no test uses them."""
_SCENE_SIZE = (1536, 1152)
_JUDGED = "judged"
_CANNOT = (
    "It knows the product it was trained on, in that light; another product needs its own training.",
    "What its training pictures did not show, it has never seen.",
    "A score is no probability: thresholds belong into the recipe, fitted on goods of the line.",
)


def finish(
    run: Run, material: Material, out: Path, *, name: str, version: str, without: Sequence[tuple[str, Path]] = ()
) -> Exported:
    """Write ``out/model``, ``out/float``, ``out/export.json`` and ``out/report.html``.

    ``without``: what the same training lacked, and its run folder: the report says what it was worth.
    """
    plan = run.plan
    save_weights(run.smooth, run.labels, out / FILE)
    facts = CardFacts(
        name=name,
        version=version,
        licence=licence_of(material.used),
        labels=run.labels,
        scale=1.0,
        zero_point=0,
        metrics=_metrics(run, material),
        cannot=_CANNOT,
    )
    held = (*material.held, *(_scenes(out) if plan.scenes else ()))
    found = export(run.smooth, facts, out, crops=crops_of(run), held=held)
    (out / "export.json").write_text(exported_as_json(found), encoding="utf-8")
    judged = judged_pictures(run, material, out)
    document = None
    if judged:
        document = _report(run, out, found, judged, [_gain(out, judged, *control) for control in without])
    write_product_card(out / "model", facts, found, document)
    for form in found.forms:
        print(
            f"{form.name:14} {form.kilobytes:7.0f} KB  {form.cpu_ms_per_mp:6.1f} ms/MP  AUROC {form.image_auroc:.4f}  "
            f"AP {form.image_ap:.4f}  {form.flips} of {form.pictures} verdicts flipped"
        )
    print(f"{out / 'model'}: the package; {out / 'report.html'}: how good it is" if judged else f"{out / 'model'}")
    return found


def licence_of(used: Sequence[Record]) -> str:
    """The licence that a net has from its pictures: one that allows a sale only if all of theirs do."""
    names = sorted({record.licence for record in used})
    barred = [name for name in names if not is_shippable(name)]
    if barred:
        return f"not for sale ({', '.join(barred)})"
    alike = [name for name in names if "SA" in name.upper().split("-")]
    return alike[0] if alike else "Apache-2.0"


def _metrics(run: Run, material: Material) -> dict[str, float | str]:
    goods = sum(record.good for record in material.used)
    return {
        "train_command": run.plan.words(),
        "train_steps": run.step,
        "train_pictures": len(material.used),
        "train_good_pictures": goods,
        "train_scenes": run.bank.made if run.bank else 0,
        "held_pictures": len(material.held),
    }


def crops_of(run: Run) -> list[NDArray[np.uint8]]:
    """Crops as training saw them, for calibration."""
    batch = draw_batch(
        np.random.default_rng(_CROP_SEED), run.pools, run.look,
        count=_CROPS, side=_CROP_SIDE, classes=len(run.labels),
    )  # fmt: skip
    return list(np.rint(batch.images[:, 0] * NORM_SCALE + NORM_MIDDLE).astype(np.uint8))


def _scenes(out: Path) -> tuple[Record, ...]:
    """Rendered parts, with their truth, as pictures."""
    folder = out / "scenes"
    if not (folder / "manifest.csv").is_file():
        size = SceneSettings(width=_SCENE_SIZE[0], height=_SCENE_SIZE[1], defect_rate=0.5)
        write_scenes(folder, _SCENES, size, split=_JUDGED)
    return read(folder).records


def judged_pictures(run: Run, material: Material, out: Path) -> tuple[Record, ...]:
    """What the report judges: the fold that was left out, else the pictures held back, else rendered parts."""
    plan = run.plan
    if plan.sides:
        dataset = renamed(read(Path(plan.data), Choice(sources=plan.sources), layout=plan.layout), plan.rename)
        return with_sides(dataset, read_sides(Path(plan.sides)), (plan.fold,)).records
    if material.held:
        return material.held
    return _scenes(out) if plan.scenes else ()


def _gain(out: Path, judged: Sequence[Record], without: str, control: Path) -> Gain:
    own, other = (look(folder / "model", judged)[0] for folder in (out, control))
    ones = np.ones(len(own.rows))
    mine, others = own.figures(ones, ()), other.figures(ones, ())
    return Gain(
        without=without,
        image_auroc=others["image_auroc"],
        image_ap=others["image_ap"],
        pictures=len(own.rows),
        own_auroc=mine["image_auroc"],
        own_ap=mine["image_ap"],
    )


def _report(
    run: Run, out: Path, found: Exported, judged: Sequence[Record], gained: Sequence[Gain]
) -> Mapping[str, Any]:
    """Evaluate the package on the judged pictures, and draw the page."""
    plan = run.plan
    rendered = (out / "scenes") in judged[0].image.parents
    listed = out / "judged.csv"
    with listed.open("w", newline="", encoding="utf-8") as table:
        writer = csv.writer(table)
        writer.writerow(("file", "side"))
        writer.writerows((record.image, _JUDGED) for record in judged)
    question = Question(
        model=out / "model",
        data=out / "scenes" if rendered else Path(plan.data),
        layout="" if rendered else plan.layout,
        choice=Choice(splits=(_JUDGED,), sources=() if rendered else plan.sources),
        rename={} if rendered else plan.rename,
        sides=read_sides(listed),
        resamples=300,
        command=plan.words(),
    )
    answer = evaluate(question)
    (out / "report.json").write_text(json.dumps(answer.document, indent=1) + "\n", encoding="utf-8")
    shown = (sections.gains(gained), sections.forms(found), sections.course(run.losses))
    write_report(out / "report.html", answer, look_again(question, chosen(answer.table)), shown)
    return answer.document
