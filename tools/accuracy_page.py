"""Write docs/accuracy.md from the evaluations in docs/accuracy/*.json: ``python -m tools.accuracy_page``.

No figure on the page is typed by hand, but the published ones, which name their source.
"""

import argparse
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from inspector.twin.scenes import SceneSettings
from tools.data.record import is_shippable
from tools.data.scenes import write_scenes
from tools.evaluation.evaluate import SCHEMA
from tools.evaluation.main import main as evaluate_pictures
from tools.naming import told
from tools.painted import SCHEMA as PAINTED

FOLDER = Path("docs/accuracy")
PAGE = Path("docs/accuracy.md")
SCENES = Path("build/twin-accuracy")
TWIN_SEEDS = range(21_000, 21_060)
"""Parts that no training, calibration or other evaluation uses."""
_RUNS: Sequence[tuple[str, Sequence[str]]] = (
    ("twin", ("--source", "twin")),
    ("bsd", ("--split", "val", "--source", "bsd", "--rename", "dent=other")),
    ("cookie", ("--split", "val", "--source", "cookie")),
    ("omu", ("--split", "val", "--source", "omu")),
    ("mt", ("--split", "val", "--source", "mt")),
    ("ksdd", ("--split", "val", "--source", "ksdd")),
    ("cfd", ("--split", "val", "--source", "cfd")),
    ("neu", ("--split", "val", "--source", "neu")),
)
_PICTURED = ("twin", "bsd", "cookie")
"""What may be shown: rendered, or CC BY-SA 4.0."""

_SOURCES: Mapping[str, tuple[str, str]] = {
    "twin": ("rendered by inspector.twin.scenes", "this project's"),
    "bsd": ("BSData, pitting on ball screws, github.com/2Obe/BSData", "CC BY-SA 4.0"),
    "cookie": ("whole and cracked cookies, github.com/aws-samples/amazon-lookout-for-vision", "CC BY-SA 4.0"),
    "omu": ("cracked quay concrete, github.com/omu-geolab/CrackImageDatasetForDeepLearning", "CC BY-SA 4.0"),
    "mt": (
        "magnetic tiles, github.com/abin24/Magnetic-tile-defect-datasets.",
        "none stated; academic research only, no commercial use",
    ),
    "ksdd": ("KolektorSDD, a copy of 80 of its 399 pictures", "CC BY-NC-SA 4.0: no commercial use"),
    "neu": ("NEU surface defects, a copy", "none stated; customarily research"),
    "cfd": ("CrackForest, github.com/cuilimeng/CrackForest-dataset", "non-commercial research only"),
}
_ANCHORS = (
    (
        "KolektorSDD",
        "SegDecNet with mixed supervision: AP near 100 %, all 399 pictures, 3 folds",
        "arXiv 2104.06064; figure from memory, table not seen",
    ),
    (
        "BSData",
        "self-supervised: image AUROC 97.42, pixel AUROC 94.57",
        "abstract at research.buaa.edu.cn, seen",
    ),
    (
        "magnetic tile",
        "U-Net type: mean IoU 66.94, F1 74.89 (segmentation, defective tiles)",
        "DEU-Net, Appl. Sci. 2024, 14, 4724, seen",
    ),
    ("magnetic tile", "weighted YOLACT: mask mAP 43.4", "IJCCC 2022, seen"),
    (
        "magnetic tile",
        "DifferNet, PatchCore: image AUROC 97.7 to 97.9, trained on all goods",
        "from memory",
    ),
)
_IMAGES = (
    ("image_auroc", "image AUROC"),
    ("image_ap", "image AP"),
    ("escapes at 1% false rejects", "escapes at 1 %"),
    ("escapes at 2% false rejects", "at 2 %"),
    ("escapes at 5% false rejects", "at 5 % false rejects"),
    ("control: auroc with the defect removed", "AUROC, defect removed"),
    ("control: strongest cell on the defect", "strongest cell on the defect"),
    ("control: the same by chance", "by chance"),
)
_PIECES = (
    ("component recall at 0.5", "recall at 0.5"),
    ("component recall at <= 0.1 false/MP", "recall at <= 0.1 false/MP"),
    ("component recall at <= 1 false/MP", "at <= 1 false/MP"),
    ("component precision on bad pictures at <= 0.1 false/MP", "precision on bad pictures, <= 0.1"),
    ("pixel_ap", "pixel AP"),
    ("aupro", "AUPRO"),
    ("coco_map50", "COCO AP50"),
    ("coco_map", "COCO mAP"),
    ("calibration_error", "calibration error"),
)
_INTRO = """# Accuracy

<!-- Written by `python -m tools.accuracy_page` from docs/accuracy/*.json. Do not edit. -->

**A product needs its own training or teaching.** The shipped `surface-*` models are starting points and the simulated
line's model; what they do on a product that they never saw stands below, and is no reason to trust them with it.

How to read it:
- Every figure is of the model in the form that ships (int8 where the card says uint8), through the line's own reader,
  tiling, runtime and decoder. Brackets: 95 % interval, whole parts resampled; "!": no resample moved the figure, so the
  interval says nothing and the count behind it must.
- *Image* figures ask whether bad pictures score above good ones. Their **controls** stand beside them: with the defect
  cut out of the map the AUROC should fall to about .5, and the strongest cell should lie on the defect. Where the first
  stays high, good and bad pictures differ in something else, and the AUROC shows that, not inspection.
- *Component* figures count defects: cells at or above a threshold form 8-connected pieces; a piece is right if at least
  a quarter of its cells lie on true cells widened by one; a defect is found if a right piece touches it. Where
  thresholds were set by the evaluated goods themselves, the figures are points on a curve, not promises.
- COCO figures take the detections above the card's candidate score.
"""


def documents(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    """Read every evaluation, by file name."""
    return [(name, document) for name, document in _all(folder) if document["schema"] == SCHEMA]


def paintings(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    """Read every recall of painted cracks, by file name."""
    return [(name, document) for name, document in _all(folder) if document["schema"] == PAINTED]


def _all(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    return [(path.stem, json.loads(path.read_text(encoding="utf-8"))) for path in sorted(folder.glob("*.json"))]


def page(
    found: Sequence[tuple[str, dict[str, Any]]],
    pictures: Sequence[Path],
    painted: Sequence[tuple[str, dict[str, Any]]] = (),
) -> str:
    """Write the page."""
    lines = [_INTRO]
    shipped = [(name, document) for name, document in found if document["model"]["shippable"]]
    research = [(name, document) for name, document in found if not document["model"]["shippable"]]
    lines += ["## Shipped models", *_tables(shipped)]
    lines += ["", "## Research models (not shipped)", ""]
    lines.append(
        "Trained on data whose licence does not allow a product: the models stay out of this repository; the figures "
        "show what a product's own training can reach."
    )
    lines += _tables(research) if research else ["", "None evaluated yet."]
    lines += _painted(painted)
    lines += ["", *_published(), "", *_licences(found), "", *_commands(found), *_shown(pictures)]
    return "\n".join(lines).rstrip() + "\n"


def _tables(found: Sequence[tuple[str, dict[str, Any]]]) -> Iterator[str]:
    for title, columns in (("Whole pictures", _IMAGES), ("Defects and pixels", _PIECES)):
        yield from ("", f"### {title}", "")
        yield f"| model | data | good / bad | {' | '.join(name for _, name in columns)} |"
        yield "|---" * (len(columns) + 3) + "|"
        for _, document in found:
            counts = document["counts"]
            about = f"{counts['good']} / {counts['bad']}"
            if columns is _PIECES:
                about += f", {counts['defects']} defects"
            cells = " | ".join(_cell(document["figures"].get(key)) for key, _ in columns)
            yield f"| {_model(document)} | {_data(document)} | {about} | {cells} |"
    yield from _classes(found)
    yield from _sizes(found)


def _classes(found: Sequence[tuple[str, dict[str, Any]]]) -> Iterator[str]:
    yield from ("", "### By class", "")
    yield (
        "| model | data | class | pictures / defects | image AUROC | recall at <= 0.1 false/MP | as the same class "
        "| precision | recall at 0.5 |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for _, document in found:
        counts, figures = document["counts"], document["figures"]
        point = "at <= 0.1 false/MP"
        for label in document["model"]["labels"]:
            pictures, defects = counts["bad by class"][label], counts["defects by class"][label]
            if not pictures:
                continue
            keys = (
                f"image_auroc {label}",
                f"recall {label} {point}",
                f"recall as {label} {point}",
                f"precision {label} {point}",
                f"recall {label} at 0.5",
            )
            cells = " | ".join(_cell(figures.get(key)) for key in keys)
            yield f"| {_model(document)} | {_data(document)} | {label} | {pictures} / {defects} | {cells} |"


def _sizes(found: Sequence[tuple[str, dict[str, Any]]]) -> Iterator[str]:
    yield from ("", "### Recall by size (longer side of the defect, px; number of defects in brackets), at 0.5", "")
    sizes = list(found[0][1]["counts"]["defects by size px"]) if found else []
    yield f"| model | data | {' | '.join(sizes)} |"
    yield "|---" * (len(sizes) + 2) + "|"
    for _, document in found:
        counts = document["counts"]["defects by size px"]
        cells = []
        for size in sizes:
            figure = document["figures"].get(f"recall of {size} px at 0.5")
            cells.append(f"{_number(figure['value'])} ({counts[size]})" if figure else "")
        yield f"| {_model(document)} | {_data(document)} | {' | '.join(cells)} |"


def _model(document: Mapping[str, Any]) -> str:
    model = document["model"]
    form = "int8" if model["output_dtype"] == "uint8" else model["output_dtype"]
    return f"{model['name']} {model['version']}, {form}"


def _data(document: Mapping[str, Any]) -> str:
    data = document["data"]
    barred = not all(is_shippable(name) for name in data["licences"])
    splits = "/".join(split for split in data["splits"] if split)
    return f"{', '.join(data['sources'])}{f' {splits}' if splits else ''}{' (restricted data)' if barred else ''}"


def _cell(figure: Mapping[str, Any] | None) -> str:
    if figure is None:
        return ""
    if figure.get("flat"):
        return f"{_number(figure['value'])}!"
    between = f" [{_number(figure['low'])}, {_number(figure['high'])}]" if "low" in figure else ""
    return f"{_number(figure['value'])}{between}"


def _number(value: float) -> str:
    return f"{value:.3f}".removeprefix("0") if value < 1 else f"{value:.3f}"


def _painted(found: Sequence[tuple[str, dict[str, Any]]]) -> Iterator[str]:
    if not found:
        return
    yield from ("", "### Painted cracks on real ground", "")
    yield (
        "Recall by width (w, px) and contrast (c, grey levels); nets that saw painted cracks on good train pictures, "
        "cracks painted on good pictures that they did not see. What a net can resolve; no evidence that it finds real "
        "cracks. The clean pictures bear real marks, which count as false."
    )
    names = list(found[0][1]["recall"])
    yield from ("", f"| net | ground | clean | false pieces | {' | '.join(names)} |", "|---" * (len(names) + 4) + "|")
    for _, document in found:
        boxes = document["recall"].values()
        cells = " | ".join(f"{_number(box['value'])} ({box['found']}/{box['painted']})" for box in boxes)
        clean = f"{document['clean_pictures']} pictures, {document['clean_megapixels']} MP"
        if document["left_out"]:
            clean += f", without the {len(document['left_out'])} that alarm most (chosen by the net: circular)"
        false = f"{document['false_pieces']}, allowed {document['false_pieces_allowed']}"
        yield f"| {document['model']['name']} | {document['data']} | {clean} | {false} | {cells} |"


def _published() -> Iterator[str]:
    yield from ("## Published anchors", "")
    yield "Other splits, other supervision, other counts: none is like for like."
    yield from ("", "| data | figure | source |", "|---|---|---|")
    yield from (f"| {data} | {figure} | {source} |" for data, figure, source in _ANCHORS)


def _licences(found: Sequence[tuple[str, dict[str, Any]]]) -> Iterator[str]:
    used = {source for _, document in found for source in document["data"]["sources"]}
    yield from ("## The data and their licences", "", "| source | what | licence |", "|---|---|---|")
    for source in sorted(used):
        what, licence = _SOURCES.get(source, ("", "see the evaluation's JSON"))
        yield f"| {source} | {what} | {licence} |"
    yield ""
    yield (
        '"dent" in bsd and mt are pits and blowholes; "stain" in mt is uneven grinding: stretched names, no public '
        "pictures of true dents or stains with clean rights were found."
    )


def _commands(found: Sequence[tuple[str, dict[str, Any]]]) -> Iterator[str]:
    yield from ("## One command a row", "", "```")
    if any("twin" in document["data"]["sources"] for _, document in found):
        yield f"python -m tools.data scenes {SCENES} --seeds {TWIN_SEEDS.start}:{TWIN_SEEDS.stop}"
    yield from (told(document["command"]) for _, document in found)
    yield "```"
    yield "REAL: a folder with the pictures of the sources above ([data.md](data.md)). Shipped models, and this page:"
    yield "`python -m tools.accuracy_page --run REAL`. Research models and painted cracks are trained and judged by"
    yield "`python -m tools.products all --data REAL`, then `python -m tools.accuracy_page`. `NAME-20`: one start for"
    yield "all sources, fine-tuned with 20 labelled pictures."
    yield ""
    yield "Lists of pictures, by sha256:"
    yield from (
        f"- {name}: {document['data']['pictures']} pictures of {document['data']['parts']} parts, list "
        f"`{document['data']['list_sha256'][:16]}`, model `{document['model']['sha256'][:16]}`, bootstrap "
        f"{document['bootstrap']['resamples']} resamples, seed {document['bootstrap']['seed']}, thresholds by "
        f"{document['thresholds']['fitted_on']}"
        for name, document in found
    )


def _shown(pictures: Sequence[Path]) -> Iterator[str]:
    if not pictures:
        return
    yield from ("", "## Pictures", "")
    yield "Left or above: the truth in green. Right or below: map and detections in red. The pictures of bsd and cookie"
    yield "are their authors' (sources above), cut, scaled and drawn over by us, and remain under CC BY-SA 4.0."
    yield ""
    yield from (f"![{path.stem}](accuracy/{path.name})" for path in pictures)


def stale(found: Sequence[tuple[str, dict[str, Any]]], models: Path) -> list[str]:
    """Name the evaluations of a shipped model that is no longer the one that ships."""
    wrong = []
    for name, document in found:
        card = models / str(document["model"]["name"]) / "card.toml"
        if card.is_file():
            sha256 = tomllib.loads(card.read_text(encoding="utf-8"))["model"]["sha256"]
            if sha256 != document["model"]["sha256"]:
                wrong.append(f"{name}: evaluated before the model changed; run it again")
    return wrong


def run_all(data: Path, models: Sequence[Path]) -> None:
    """Evaluate models on every source, as the page shows them, into docs/accuracy/."""
    if not (SCENES / "manifest.csv").is_file():
        write_scenes(SCENES, TWIN_SEEDS, SceneSettings(defect_rate=0.5), split="test")
    for model in models:
        for name, words in _RUNS:
            out = FOLDER / f"{model.name}-{name}"
            asked = ["--data", str(SCENES if name == "twin" else data), *words]
            pictures = ["--pictures", str(out)] if name in _PICTURED else []
            print(f"{model.name} on {name}")
            evaluate_pictures(["--model", str(model), *asked, *pictures, "--out", f"{out}.json"])


def main() -> None:
    """Write the page, or check that it is up to date."""
    parser = argparse.ArgumentParser(prog="python -m tools.accuracy_page", description=__doc__)
    parser.add_argument("--run", type=Path, metavar="DATA", help="evaluate first, on this folder of pictures")
    parser.add_argument("--model", type=Path, action="append", help="with --run [default: every models/surface-*]")
    parser.add_argument("--check", action="store_true", help="exit 1 if page or evaluations are out of date")
    asked = parser.parse_args()
    if asked.run:
        run_all(asked.run, asked.model or sorted(Path("models").glob("surface-*")))
    text = page(documents(FOLDER), sorted(FOLDER.glob("*.jpg")), paintings(FOLDER))
    if asked.check:
        wrong = stale(documents(FOLDER), Path("models"))
        if PAGE.read_text(encoding="utf-8") != text:
            wrong.append(f"{PAGE} is not what the evaluations say: run python -m tools.accuracy_page")
        raise SystemExit("\n".join(wrong) or 0)
    PAGE.write_text(text, encoding="utf-8")
    print(f"{PAGE}: {len(documents(FOLDER))} evaluations")


if __name__ == "__main__":
    main()
