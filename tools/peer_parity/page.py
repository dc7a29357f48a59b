"""Writes docs/parity.md from docs/parity.json: ``python -m tools.peer_parity.page``."""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.peer_parity.compare import FLOOR, LEAST_BOXES, LEAST_IOU, MOST
from tools.peer_parity.peers import PEERS

RESULTS = Path("docs/parity.json")
PAGE = Path("docs/parity.md")
_HEADS = (
    "peer",
    "versions",
    "pictures",
    "boxes",
    "least IoU",
    "largest score difference",
    "largest map difference",
    "verdict",
)
_INTRO = f"""# Parity with the models' own software

<!-- Written by `python -m tools.peer_parity.page` from docs/parity.json. Do not edit. -->

Each peer trains for minutes on drawn pictures, in an environment of its own that is thrown away, exports to ONNX by its
own means and predicts on pictures it has not seen. The export is imported as a user would import it, with the peer's
predictions as `--reference` ([models.md](models.md)). **same**: every box with IoU >= {LEAST_IOU}, every score within
{MOST:g}, none missing and none too many, and at least {LEAST_BOXES} boxes above the floor {FLOOR}; for anomaly maps
every number of every map, and the score of every picture, within {MOST:g}.
"""
_END = """
Again, from nothing (about 10 GB of disk; each peer trains some minutes of one idle core, again until there are boxes
enough):
```
python -m tools.peer_parity --write                  # all of them, and this page
python -m tools.peer_parity --peer padim --json      # one, as JSON
```
Boxes of segmentation models: what `yolo predict` sees, its boxes as `yolo val` writes them, because the texts of
`predict` hold outlines only. anomalib is compared with its engine's own prediction in torch, which shrinks a picture
with antialiasing and without rounding; an exported graph that scales by itself does not, so its card shows it pictures
already scaled that way (`interpolation = "antialias_float"`). All weights are random at first and no hub is asked;
a segmentation model starts from what its own detection model has learned here. RT-DETR and D-FINE, from transformers,
are small ones of their kinds and are compared after training: an untrained one gives many queries the same score. Their
boxes may go on beyond the picture's edge and are compared as far as the picture goes, where ours end.
"""


def merged(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]], order: Sequence[str]) -> list[Any]:
    """The results of both, the new ones in place of old ones of the same peer, in this order."""
    found = {str(row["peer"]): row for row in (*old, *new)}
    return [found[name] for name in order if name in found]


def table(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The results as Markdown."""
    yield f"| {' | '.join(_HEADS)} |"
    yield f"|{'---|' * len(_HEADS)}"
    for row in rows:
        figures = (
            *(str(row["pictures"]), "" if row["boxes"] is None else str(row["boxes"])),
            *("" if row["least_iou"] is None else f"{row['least_iou']:.5f}",),
            *(_small(row["largest_score_difference"]), _small(row["largest_map_difference"])),
        )
        yield f"| {' | '.join((row['says'], row['versions'], *figures, _verdict(row)))} |"


def _small(value: float | None) -> str:
    return "" if value is None else f"{value:.1e}"


def _verdict(row: Mapping[str, Any]) -> str:
    first = str(row["reason"]).partition("\n")[0]
    return f"{row['verdict']}: {first}" if first else str(row["verdict"])


def page(rows: Sequence[Mapping[str, Any]]) -> str:
    """The whole page."""
    runtimes = ", ".join(sorted({str(row["runtime"]) for row in rows}))
    known = {str(row["peer"]) for row in rows}
    missing = ", ".join(peer.says for peer in PEERS if peer.name not in known)
    ends = [f"Here: {runtimes}, CPU."] + ([f"Not measured yet: {missing}."] if missing else [])
    return "\n".join((_INTRO, *table(rows), "", *ends, _END.rstrip("\n"), ""))


def read(path: Path = RESULTS) -> list[dict[str, Any]]:
    """The results that are written; none where there is no file."""
    return list(json.loads(path.read_text(encoding="utf-8"))["results"]) if path.is_file() else []


def main() -> None:
    """Write the page, or check that it is up to date."""
    parser = argparse.ArgumentParser(prog="python -m tools.peer_parity.page", description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 1 if the page is not what the results say")
    asked = parser.parse_args()
    text = page(read())
    if asked.check:
        same = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text
        raise SystemExit(0 if same else f"{PAGE} is not what {RESULTS} says: run python -m tools.peer_parity.page")
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
