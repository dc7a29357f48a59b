"""Write ``MODEL_CARD.md`` of a shipped net from its card, so that no number in it is typed by hand.

    python -m tools.modelcard models/surface-nano models/surface-small models/surface-base

writes the pages anew from the figures that stand in the cards, without measuring anything; ``tools.evaluate --write``
measures first.
"""

import argparse
import tomllib
from collections.abc import Mapping
from pathlib import Path

from inspector.twin.scenes import DEFECT_LABELS
from tools.card import FILE, CardFacts
from tools.naming import told

PAGE = "MODEL_CARD.md"
PX_PER_MM = (10.0, 40.0)
"""The scales at which scenes are rendered for training."""
CANNOT = (
    (
        "It was trained on rendered metal faces and two small sets of real pictures: it does not find the real defects "
        "of a product it has not seen. Every product needs its own training and its own figures."
    ),
    (
        "Cracks and scratches fainter than five standard deviations of the texture's noise, or thinner than one pixel, "
        "are missed at times."
    ),
    "A dark scratch is told from a crack by its course alone, and is at times called a crack.",
    "Scratches that run along the brushing are not told from the brushing.",
    'The class "other" was learned from pits of ball screws alone.',
    (
        "It was not shown blur beyond a pixel, glare, coolant, chips, colour or any texture but brushed, cast and "
        "painted metal."
    ),
    "A score is no probability: thresholds belong into the recipe, fitted on goods of the line.",
)
_TEXT = """# {name} {version}

<!-- Written by `python -m tools.evaluate --model models/{name} --write`. Do not edit the figures. -->

## What it is
A segmentation net for machined metal faces seen by a mono camera: uint8 pixels in, a map of five classes
(crack, scratch, dent, stain, other) at an eighth of the resolution out. int8, one ONNX file, no dependency but a
runtime. It is a model for the simulated line and a start for a product's own training
(`python -m tools.train --init models/{name}`), not a finished inspection.

## What it learned from
| source | pictures | licence |
|---|---|---|
| scenes of `inspector.twin.scenes`, seeds from 10,000,000 up | {train_scenes} in the last run | this project's |
| BSData: pitting on ball screws (github.com/2Obe/BSData), learned as "other"; cookies, whole and cracked \
(github.com/aws-samples/amazon-lookout-for-vision) | {train_pictures} together, {train_good_pictures} of them good \
| both CC BY-SA 4.0 |

{held_pictures} further pictures of the two were held back. Both are share-alike, so the weights are given under
{licence}: use them commercially, name the sources, pass changes on under the same terms. Nothing with a
non-commercial, research-only or unstated licence was used.

## How it was trained
```
{train_command}
python -m tools.export RUN --out models/{name}
```
REAL is the folder of real pictures that docs/data.md describes, RUN the folder of the training.
RepVGG blocks, folded; static int8 by onnxruntime, percentile calibration on train crops. A score of 0.5 lies between
what sound and defective pictures reach that were held back from training; the test seeds had no part in it.

## Figures
Command:
`python -m tools.evaluate --model models/{name} --seeds {seeds} --calibrate {calibration_seeds} --write`.
Data: {data}. {good_parts} good and {bad_parts} bad parts; int8 model; threshold {threshold} on the score.

| class | found | painted | recall | as the same class | threshold for <= 0.1 false/MP |
|---|---|---|---|---|---|
{classes}
| at least 2 px wide, any class | {wide_found} | {wide_painted} | {wide_recall} | | |

| whole parts | |
|---|---|
| false alarms on good parts | {false_alarms_on_good} on {good_megapixels} MP = {false_alarms_per_mp} per MP |
| bad parts without any detection (escapes) | {escapes} of {bad_parts} |
| good parts with a detection (false rejects) | {false_rejects} of {good_parts} |
| image AUROC | {image_auroc} |
| worst good part, weakest bad part (score) | {highest_good_score}, {weakest_bad_score} |
| crack or scratch length, measured minus painted, median | {thin_length_error_px} px |
| crack or scratch width, measured minus painted, median | {thin_width_error_px} px |

The thresholds of the last column were looked for on the calibration seeds. A defect counts as found where a
quarter or more of a detection's box lies on its painted box, two cells of slack.
All defects stand at least five standard deviations of the local texture noise above their ground, so these
figures say that the model, its int8 form and the line work on rendered parts. They say nothing about a product.

## What it cannot do
{cannot}
"""


def write_model_card(folder: Path, facts: CardFacts) -> None:
    """Write the page beside the model. ``facts.metrics`` as ``tools.evaluate`` makes them."""
    metrics = _counted(facts.metrics)
    rows = [
        f"| {label} | {metrics[f'{label}_found']} | {metrics[f'{label}_painted']} | {metrics[f'{label}_recall']} "
        f"| {metrics[f'{label}_same_class']} | {metrics[f'{label}_best_threshold']} |"
        for label in DEFECT_LABELS
    ]
    text = _TEXT.format(
        name=facts.name,
        version=facts.version,
        licence=facts.licence,
        classes="\n".join(rows),
        cannot="\n".join(f"- {line}" for line in facts.cannot),
        **metrics,
    )
    (folder / PAGE).write_text(text, encoding="utf-8")


def _counted(metrics: Mapping[str, float | str]) -> dict[str, float | str]:
    """What training counted is whole, whatever a card made of it; its command is one that anybody may type."""
    counted: dict[str, float | str] = dict(metrics)
    for key, value in metrics.items():
        if key.startswith(("train_", "held_")) and isinstance(value, float):
            counted[key] = round(value)
    counted["train_command"] = told(str(metrics["train_command"]))
    return counted


def facts_of(folder: Path) -> CardFacts:
    """What the page says, as the package's card has it."""
    card = tomllib.loads((folder / FILE).read_text(encoding="utf-8"))
    model, output = card["model"], card["output"]
    return CardFacts(
        name=model["name"],
        version=model["version"],
        licence=model["licence"],
        scale=output["scale"],
        zero_point=output["zero_point"],
        metrics=card["metrics"],
        cannot=card["cannot"]["says"],
    )


def main() -> None:
    """Read the command line, write the pages."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.modelcard", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("package", type=Path, nargs="+", help="folder of a shipped net")
    for folder in parser.parse_args().package:
        write_model_card(folder, facts_of(folder))
        print(folder / PAGE)


if __name__ == "__main__":
    main()
