"""Compare imported models with what their own software sees.

Example: python -m tools.peer_parity --peer yolov8n --peer padim --work ../peers
"""

import argparse
import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue

from tools.peer_parity import page
from tools.peer_parity.compare import LEAST_BOXES, LEAST_IOU, MOST, SAME, Result, measure
from tools.peer_parity.environments import PeerError, common, say, step_back
from tools.peer_parity.peers import PEERS, Peer
from tools.peer_parity.pictures import draw

_LOOK_S = 1.0
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


def measured(peers: Sequence[Peer], work: Path, *, minutes: float, jobs: int) -> Iterator[Result]:
    """Each peer's result as it comes; peers of one family one after another: they share what they learn."""
    with suppress(PeerError):  # each of them says it again, as its result
        common(work)
    ready: SimpleQueue[Result] = SimpleQueue()

    def family(kin: Sequence[Peer]) -> None:
        for peer in kin:
            ready.put(measure(peer, work, minutes=minutes))

    families = {peer.family: [kin for kin in peers if kin.family == peer.family] for peer in peers}
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        under_way = [pool.submit(family, kin) for kin in families.values()]
        left = len(peers)
        while left:
            try:
                yield ready.get(timeout=_LOOK_S)
                left -= 1
            except Empty:
                for one in under_way:
                    if one.done():
                        one.result()  # a fault of ours is raised here, and not waited for


def main() -> None:
    """Read the command line, compare; exit 1 unless every peer's verdict is "same"."""
    names = [peer.name for peer in PEERS]
    parser = argparse.ArgumentParser(
        prog="python -m tools.peer_parity", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer", action="append", choices=names, metavar="NAME", help=f"{', '.join(names)} [all]")
    parser.add_argument("--work", type=Path, help="folder for environments, pictures and models; kept, and used again")
    parser.add_argument("--minutes", type=float, default=2.0, help="of training on one idle core, each round [2]")
    parser.add_argument("--jobs", type=int, default=2, help="families measured side by side, one core each [2]")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--write", action="store_true", help=f"write {page.RESULTS} and {page.PAGE} too")
    asked = parser.parse_args()
    wanted = [peer for peer in PEERS if not asked.peer or peer.name in asked.peer]
    results: list[Result] = []
    step_back()
    with _place(asked.work) as work:
        free = shutil.disk_usage(work).free / 1e9
        if free < _NEEDED_GB and not (work / "environments").is_dir():
            raise SystemExit(f"{work}: {free:.0f} GB are free, {_NEEDED_GB} are needed; --work names another folder")
        draw(work / "pictures")
        for result in measured(wanted, work, minutes=asked.minutes, jobs=asked.jobs):
            results.append(result)
            say(f"{result.peer}: {result.verdict} {result.reason}".rstrip())
            if asked.write:  # after each: what is measured is not lost when a later one is stopped
                rows = page.merged(page.read(), [result.as_json() for result in results], names)
                page.RESULTS.write_text(json.dumps({"results": rows}, indent=1) + "\n", encoding="utf-8")
                page.PAGE.write_text(page.page(rows), encoding="utf-8")
    rows = page.merged([], [result.as_json() for result in results], names)
    limits = {"least_boxes": LEAST_BOXES, "least_iou": LEAST_IOU, "largest_difference": MOST}
    print(json.dumps({**limits, "results": rows}, indent=1) if asked.json else "\n".join(page.table(rows)))
    raise SystemExit(0 if all(result.verdict == SAME for result in results) else 1)


if __name__ == "__main__":
    main()
