r"""Write docs/performance.md from the measurements in docs/performance/*.json: ``python -m tools.performance_page``.

    inspector bench --frames 100 --megapixels 5,12,20,50 --json > docs/performance/bench.json
    inspector bench --loop --json                               > docs/performance/loop.json
    python -m tools.bench_peers --json                          > docs/performance/peers.json
    python -m tools.bench_peers --peers sahi-yolov8n tuned-int8 ours --model models/surface-nano \
        --model models/surface-small --json > docs/performance/no-vnni.json  # on a processor without VNNI
    python -m tools.operator_profile --model models/surface-nano --json > docs/performance/operators.json
    python -m tools.punctuality --package models/surface-nano --pitch-ms 46 --seconds 5 --rounds 2 --json \
        > docs/performance/punctuality.json
    python -m tools.crack_recall --model models/surface-nano --shrink 2 --good 40 --cracked 50 --json \
        > docs/performance/coarse.json
    python -m tools.float_graph models/surface-nano
    python -m tools.crack_recall --model models/surface-nano --float build/surface-nano/float/model.onnx --json \
        > docs/performance/int8.json

No figure on the page is typed by hand. A measurement that is not there is said to be missing.
"""

import argparse
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from inspector.app.bench.machine import has_vnni
from inspector.app.bench.table import load_cell, loop_rows, spread_cells
from inspector.app.bench.worker import STAGES
from inspector.domain.errors import ConfigError
from tools import crack_recall, operator_profile, punctuality
from tools.bench.told import recall, times

FOLDER = Path("docs/performance")
PAGE = Path("docs/performance.md")
QUIET = 0.5
"""Load average for each core below which a measurement is called quiet."""
SCHEMAS = {
    "bench": "inspector.bench/1",
    "loop": "inspector.bench-loop/1",
    "peers": "inspector.bench-peers/1",
    "no-vnni": "inspector.bench-peers/1",
    "operators": operator_profile.SCHEMA,
    "punctuality": punctuality.SCHEMA,
    "coarse": crack_recall.SCHEMA,
    "int8": crack_recall.SCHEMA,
}
_INTRO = """# Performance

<!-- Written by `python -m tools.performance_page` from docs/performance/*.json. Do not edit. -->

How to read it:
- Absolute times hold on the machine that is named, on that day, beside the load that stands there. Ratios within one
  run travel further: all rows of a table come from one run, in which long-lived processes took turns, one at a time.
- *Pixels to verdict*: a uint8 frame in memory, full resolution, through the line's own tiling, runtime, decoder, rules.
- *CPU ms* counts all threads of the process; that of a runtime that busy-waits (onnxruntime does unless told otherwise)
  grows where a neighbour holds a core. p99 and max of fewer than 100 looks are one and the same.
- Peers have random weights: they show what their way costs, not what it finds ("cost only"). Beside our rows stands the
  recall of the very file that was timed, by its sha256.
"""


def documents(folder: Path) -> dict[str, dict[str, Any]]:
    """Every measurement that is there, by its kind.

    Raises:
        ConfigError: a file that is not what its name says.
    """
    found = {}
    for kind, schema in SCHEMAS.items():
        path = folder / f"{kind}.json"
        if not path.exists():
            continue
        document = json.loads(path.read_text(encoding="utf-8"))
        if document.get("schema") != schema:
            raise ConfigError(f"{path}: schema = {document.get('schema')!r}; {schema!r} is right: measure again")
        found[kind] = document
    return found


def page(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Write the page."""
    sections = {
        "peers": ("Beside what people run today", peers),
        "no-vnni": ("On a processor without VNNI", peers),
        "bench": ("This line, by stage", bench),
        "loop": ("The whole loop", loop),
        "punctuality": ("What keeps the loop punctual", kept_punctual),
        "operators": ("Where inference spends its time", operators),
        "coarse": ("What a coarse look would miss", coarse),
        "int8": ("What int8 costs in recall", quantised),
    }
    lines = [_INTRO.rstrip()]
    for kind, (title, section) in sections.items():
        lines += ["", f"## {title}", ""]
        lines += section(found[kind]) if kind in found else ["Not measured yet."]
    lines += ["", "## Measured with", "", "```", *_commands(), "```"]
    return "\n".join(lines) + "\n"


def machine(about: Mapping[str, Any]) -> Iterator[str]:
    """The machine, its versions, the date."""
    has = [flag for flag, there in about["flags"].items() if there and flag != "hypervisor"]
    lacks = [flag for flag, there in about["flags"].items() if not there and flag != "hypervisor"]
    guest = ", a virtual machine" if about["flags"]["hypervisor"] else ""
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    yield f"**{about['cpu']}**, {about['cores']} cores{guest}, {about['memory_gb']:g} GB;"
    yield f"has {', '.join(has) or 'none'}; lacks {', '.join(lacks) or 'none'}."
    yield f"{about['system']}, Python {about['python']}, {versions}. {about['at']}."


def quietness(loads: Sequence[Mapping[str, float]], cores: int) -> str:
    """Whether the machine was quiet, by the highest load beside any figure."""
    highest = max((max(load.values()) for load in loads if load), default=0.0)
    if highest <= QUIET * cores + 1.0:  # one process of ours works at a time, on all cores at most
        return f"Load average at most {highest:.1f}: quiet but for the measured process."
    return (
        f"**Load average up to {highest:.1f} on {cores} cores: the machine was busy. Absolute times are too high; read "
        "the ratios of CPU time.**"
    )


def peers(found: Mapping[str, Any]) -> Iterator[str]:
    """One row for each contender."""
    rows = found["rows"]
    measured = [row for row in rows if "wall_ms" in row]
    yield from machine(found["machine"])
    yield ""
    yield (
        f"Rounds: {found['rounds']}, over {found['frames']} rendered parts of {found['width']} x {found['height']} px. "
        f"The tuned peer, the fastest of its precisions here: {found['tuned'] or 'not measured'}."
    )
    yield quietness([row["load"] for row in measured], found["machine"]["cores"])
    yield ""
    heads = ("p50 ms", "p99", "max", "CPU ms", "x SAHI", "CPU x SAHI", "x tuned", "CPU x tuned", "n", "load")
    yield f"| contender | {' | '.join(heads)} | recall, 1 / 2 / 3 px |"
    yield "|---" * (len(heads) + 2) + "|"
    for row in measured:
        cells = [
            *spread_cells(row["wall_ms"]),
            f"{row['cpu_ms']['p50']:.1f}",
            times(row["times_faster_than_sahi"]),
            times(row["times_less_cpu_than_sahi"]),
            times(row["times_faster_than_tuned"]),
            times(row["times_less_cpu_than_tuned"]),
            str(row["looks"]),
            load_cell(row["load"]),
        ]
        name = f"**{row['what']}**" if row["sha256"] else row["what"]
        computed = "" if row["looked_at"] == "whole frame" else f" ({row['looked_at']})"
        yield f"| {name}{computed} | {' | '.join(cells)} | {recall(row)} |"
    yield from _beside(found, measured)


def _beside(found: Mapping[str, Any], measured: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What stands under the comparison: recall with its counts, files, versions, what failed."""
    for answer in found["recall"]:
        yield ""
        yield from _recall(answer)
    yield ""
    for row in measured:
        if row["sha256"]:
            yield f"- {row['name']}: {row['runtime']}, sha256 `{row['sha256']}`"
    versions: dict[str, str] = {}
    for row in measured:
        versions |= row["versions"]
    if versions:
        yield f"- peers: {', '.join(f'{name} {version}' for name, version in sorted(versions.items()))}"
    if has_vnni(found["machine"]["flags"]):
        yield "- a processor without VNNI has a table of its own, below: 8-bit sums cost more there (decision 0053)"
    for row in found["rows"]:
        if row["trouble"]:
            yield f"- not measured: {row['what']}: {row['trouble'].splitlines()[0]}"


def _recall(answer: Mapping[str, Any]) -> Iterator[str]:
    question, own = answer["question"], answer["package"]
    yield (
        f"Recall of {own['name']} {own['version']}: cracks painted on {question['cracked']} rendered parts of "
        f"{question['width']} x {question['height']} px (generator {answer['generator']}), threshold set on "
        f"{question['good']} good ones to {question['false_alarms_per_mp']:g} false alarms a megapixel:"
    )
    yield ""
    yield "| file | width | found | painted | recall | 95 % | false alarms | sha256 |"
    yield "|---|---|---|---|---|---|---|---|"
    for form in ("package", "float"):
        own = answer[form]
        for width, row in {**own["widths"], "all": own["all"]}.items() if own else ():
            label = width if width == "all" else f"{width} px"
            yield (
                f"| {own['file']} | {label} | {row['found']} | {row['painted']} | {row['recall']:.4f} | "
                f"{row['low']:.4f} to {row['high']:.4f} | {own['false_alarms']} in {own['good_megapixels']:.0f} MP | "
                f"`{own['sha256'][:12]}` |"
            )
    if answer["drop_points"] is not None:
        drops = ", ".join(f"{width}: {points:+.2f}" for width, points in answer["drop_points"].items())
        yield ""
        yield f"What int8 costs, points of recall by width: {drops}."


def bench(found: Mapping[str, Any]) -> Iterator[str]:
    """Stages, growth with pixels, growth with what there is to see."""
    rows = [row for row in found["stages"] if "wall_ms" in row]
    yield from machine(found["machine"])
    yield ""
    yield f"{_model(found)} {found['threads']} threads, one frame at a time."
    yield quietness([row["load"] for row in rows], found["machine"]["cores"])
    yield ""
    yield f"p50 / p99 / max, ms:\n\n| runtime | MP | n | {' | '.join(STAGES)} | CPU ms | frames/s | peak MB | load |"
    yield "|---" * (len(STAGES) + 7) + "|"
    for row in rows:
        stages = " | ".join(" / ".join(spread_cells(row["stages_ms"].get(stage))) for stage in STAGES)
        yield (
            f"| {row['description']} | {row['megapixels']:.1f} | {row['frames']} | {stages} | "
            f"{row['cpu_ms']['p50']:.1f} | {row['frames_per_s']:.1f} | {row['peak_memory_mb']:.0f} | "
            f"{load_cell(row['load'])} |"
        )
    yield ""
    yield "Cost of a megapixel, as a multiple of that at 12 MP (1 is linear):\n"
    yield "| runtime | MP | ms a MP | to 12 MP | CPU ms a MP | to 12 MP |\n|---|---|---|---|---|---|"
    for row in rows:
        wall, cpu = row.get("ms_per_mp_to_12"), row.get("cpu_ms_per_mp_to_12")
        yield (
            f"| {row['runtime']} | {row['megapixels']:.1f} | {row['ms_per_mp']:.2f} | {times(wall)} | "
            f"{row['cpu_ms_per_mp']:.2f} | {times(cpu)} |"
        )
    yield from _components(found)
    for entry in found["not_measured"]:
        yield f"\nNot measured: {entry['runtime']}: {entry['why']}"


def _model(found: Mapping[str, Any]) -> str:
    model = found["model"]
    return f"{model['name']} {model['version']}, sha256 `{model['sha256']}`."


def _components(found: Mapping[str, Any]) -> Iterator[str]:
    rows = [row for row in found["components"] if "wall_ms" in row]
    if not rows:
        return
    yield ""
    yield (
        f"How much there is to see: components made in the model's map of a {rows[0]['megapixels']:g} MP frame, "
        f"pixels to verdict, deadline {found['deadline_ms']:g} ms:\n"
    )
    yield "| runtime | components | verdict | p50 | p99 | max | CPU ms | in time | n | load |\n" + "|---" * 10 + "|"
    for row in rows:
        in_time = "yes" if row["wall_ms"]["most"] < found["deadline_ms"] else "**no**"
        verdict = "UNDECIDED (too many candidates)" if row["outcome"] == "UNDECIDED" else row["outcome"]
        yield (
            f"| {row['runtime']} | {row['components']} | {verdict} | {' | '.join(spread_cells(row['wall_ms']))} | "
            f"{row['cpu_ms']['p50']:.1f} | {in_time} | {row['frames']} | {load_cell(row['load'])} |"
        )


def loop(found: Mapping[str, Any]) -> Iterator[str]:
    """The whole loop."""
    yield from machine(found["machine"])
    yield ""
    yield (
        "The simulated line, its camera ring and its PLC on the same cores; the gate over Modbus, the book with FULL "
        "commits, pictures of every reject; "
        + (
            "the highest rate of those tried that left no part undecided in the search. The table is a longer run at "
            "that rate, and says what that left undecided."
            if found["tried"]
            else "at a rate that was given."
        )
    )
    yield _model(found)
    yield quietness([found["load"]], found["machine"]["cores"])
    yield "\n| what | how |\n|---|---|"
    for what, how in loop_rows(found):
        yield f"| {what.strip()} | {how} |"


def kept_punctual(found: Mapping[str, Any]) -> Iterator[str]:
    """Depths of the handoff, and each measure taken away or added."""
    yield from machine(found["machine"])
    yield ""
    yield (
        f"{found['package']} on {found['runtime']}, a 12.3 MP frame every {found['pitch_ms']:g} ms, every fifth "
        "written as JPEG and synchronised beside it; each way in a process of its own, in turn. p50 and p99 are the "
        f"median of the rounds. Load average {found['load'][0]:.1f}."
    )
    yield "\n| way | frames | overruns | p50 ms | p99 ms | max ms |\n|---|---|---|---|---|---|"
    for row in punctuality.summed(found["runs"]):
        figures = " | ".join(f"{row[key]:.1f}" for key in ("p50_ms", "p99_ms", "max_ms"))
        yield f"| {row['name']} | {row['frames']} | {row['overruns']} | {figures} |"


def operators(found: Mapping[str, Any]) -> Iterator[str]:
    """The operators of the net, with what each reached."""
    yield from machine(found["machine"])
    yield ""
    yield (
        f"{found['name']} {found['version']}, sha256 `{found['sha256']}`: {found['width']} x {found['height']} px, one "
        f"thread, onnxruntime's own profiler, median of {found['frames']} frames.\n"
    )
    yield from operator_profile.table(found)


def coarse(found: Mapping[str, Any]) -> Iterator[str]:
    """Recall on shrunk frames: the ceiling of looking coarsely first."""
    yield (
        f"Frames shrunk by {found['question']['shrink']} before the net sees them. A second, finer look can only "
        "confirm what the first one points at, so this is the most that both together find.\n"
    )
    yield from _recall(found)


def quantised(found: Mapping[str, Any]) -> Iterator[str]:
    """Recall of the package beside the float graph that it was quantised from."""
    yield "The float graph is the one that training leaves beside its checkpoints; both look at the same parts.\n"
    yield from _recall(found)


def _commands() -> Iterator[str]:
    """The commands of this module's own description."""
    yield from (line[4:] for line in re.findall(r"^ {4}\s*\S.*$", __doc__ or "", re.MULTILINE))
    yield "python -m tools.performance_page"


def main() -> None:
    """Read the command line, write the page."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.performance_page",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--page", type=Path, default=PAGE)
    asked = parser.parse_args()
    found = documents(asked.folder)
    asked.page.write_text(page(found), encoding="utf-8")
    missing = [kind for kind in SCHEMAS if kind not in found]
    print(f"{asked.page}: {', '.join(found) or 'nothing'}" + (f"; missing: {', '.join(missing)}" if missing else ""))


if __name__ == "__main__":
    main()
