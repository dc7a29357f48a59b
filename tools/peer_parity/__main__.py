"""Compare imported models with what their own software sees.

Example: python -m tools.peer_parity --peer yolov8n --peer padim --work ../peers
"""

import argparse
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.peer_parity import page
from tools.peer_parity.compare import LEAST_BOXES, LEAST_IOU, MOST, SAME, measure
from tools.peer_parity.environments import say
from tools.peer_parity.peers import PEERS
from tools.peer_parity.pictures import draw

_NEEDED_GB = 12


@contextmanager
def _place(kept: Path | None) -> Iterator[Path]:
    """The folder to work in: the one named, which stays, or a temporary one."""
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="peer-parity-") as temporary:
        yield Path(temporary).resolve()


def main() -> None:
    """Read the command line, compare; exit 1 unless every peer's verdict is "same"."""
    names = [peer.name for peer in PEERS]
    parser = argparse.ArgumentParser(
        prog="python -m tools.peer_parity", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer", action="append", choices=names, metavar="NAME", help=f"{', '.join(names)} [all]")
    parser.add_argument("--work", type=Path, help="folder for environments, pictures and models; kept, and used again")
    parser.add_argument("--minutes", type=float, default=5.0, help="of training on one idle core, each round [5]")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--write", action="store_true", help=f"write {page.RESULTS} and {page.PAGE} too")
    asked = parser.parse_args()
    results = []
    with _place(asked.work) as work:
        free = shutil.disk_usage(work).free / 1e9
        if free < _NEEDED_GB and not (work / "environments").is_dir():
            raise SystemExit(f"{work}: {free:.0f} GB are free, {_NEEDED_GB} are needed; --work names another folder")
        draw(work / "pictures")
        for peer in PEERS:
            if asked.peer and peer.name not in asked.peer:
                continue
            results.append(measure(peer, work, minutes=asked.minutes))
            say(f"{peer.name}: {results[-1].verdict} {results[-1].reason}".rstrip())
            if asked.write:  # after each: what is measured is not lost when a later one is stopped
                rows = page.merged(page.read(), [result.as_json() for result in results], names)
                page.RESULTS.write_text(json.dumps({"results": rows}, indent=1) + "\n", encoding="utf-8")
                page.PAGE.write_text(page.page(rows), encoding="utf-8")
    rows = [result.as_json() for result in results]
    limits = {"least_boxes": LEAST_BOXES, "least_iou": LEAST_IOU, "largest_difference": MOST}
    print(json.dumps({**limits, "results": rows}, indent=1) if asked.json else "\n".join(page.table(rows)))
    raise SystemExit(0 if all(result.verdict == SAME for result in results) else 1)


if __name__ == "__main__":
    main()
