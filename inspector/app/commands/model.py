"""`inspector model`: packages of models: import one, check it, list them."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from inspector.adapters.runtime_onnx import onnx_file
from inspector.app import options, service
from inspector.app.commands import model_collect, model_sign, model_teach
from inspector.app.exits import EX_FINDINGS, speaking_plainly
from inspector.app.model_folder import models_folder
from inspector.app.model_import import bench, run
from inspector.app.model_import.hints import NORMALISATIONS, Hints, read_labels, read_size
from inspector.app.model_import.proposal import Question
from inspector.app.model_package import load_card
from inspector.app.model_signature import TrustedKeys
from inspector.domain.errors import ConfigError
from inspector.ports.model import ModelCard

_SHOWN_LABELS = 6
_SHOWN_FIGURES = 4
_ACCURACY = ("auroc", "_ap", "map", "escapes", "false_rejects", "per_mp")
"""How figures of a card end that say how well the model sees; --json has them all."""

app = typer.Typer(no_args_is_help=True, help="Model packages: import an ONNX file, check a package, list them.")

Models = Annotated[
    Path | None, typer.Option("--models", help="Folder of packages [default: the configuration's, or the shipped].")
]


@app.command("import")
def import_(  # noqa: PLR0913 - one option each
    file: Annotated[Path, typer.Argument(help="The ONNX file.")],
    *,
    name: Annotated[str, typer.Option("--name", "-n", help="Name of the package.")],
    labels: Annotated[str, typer.Option("--labels", help="Class names in the model's order: a,b,c.")] = "",
    labels_file: Annotated[Path | None, typer.Option("--labels-file", help="The same, one a line.")] = None,
    decoder: Annotated[str, typer.Option("--decoder", help="How outputs are read, where their shapes mislead.")] = "",
    head: Annotated[str, typer.Option("--head", help="YOLO: v8, v5 or end2end.")] = "",
    fit: Annotated[str, typer.Option("--fit", help="whole, letterbox, tiles or crop.")] = "",
    size: Annotated[
        str, typer.Option("--size", help="Input in px where the graph leaves it free: 640 or 640x480.")
    ] = "",
    overlap: Annotated[int, typer.Option("--overlap", min=0, help="Tiles: what neighbours share, px.")] = 0,
    normalise: Annotated[str, typer.Option("--normalise", help=f"{', '.join(NORMALISATIONS)}.")] = "",
    colour: Annotated[str, typer.Option("--colour", help="rgb or bgr.")] = "",
    sound: Annotated[str, typer.Option("--sound-labels", help="Classifier: labels that mean nothing is wrong.")] = "",
    floor: Annotated[float | None, typer.Option("--floor", min=0.001, max=0.999, help="Lowest score kept.")] = None,
    setting: Annotated[list[str] | None, typer.Option("--set", help="Any key of the card: frame.pad=0.")] = None,
    example: Annotated[
        list[Path] | None, typer.Option("--example", "-e", help="Picture for reference vectors.")
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option("--reference", help="Predictions of the model's own software (JSON): the parity gate."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Take what is usual instead of asking.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a package of this name.")] = False,
    models: Models = None,
    config: options.Config = None,
    as_json: options.Json = False,
) -> None:
    """Make a model package of an ONNX file: the graph is looked at, the card proposed, reference vectors written.

    Asks what the graph does not tell; where nobody can be asked it says which option is missing (exit 78).

    Example: inspector model import best.onnx --name bearings --reference predictions.json
    """
    service.configure_logs()
    with speaking_plainly():
        _check_words(decoder=decoder, head=head, fit=fit, normalise=normalise, colour=colour, name=name)
        order = run.Order(
            source=file,
            models=models_folder(models, config),
            name=name,
            hints=Hints(
                labels=read_labels(labels, labels_file),
                decoder=decoder,
                head=head,
                fit=fit,
                size=read_size(size),
                overlap_px=overlap,
                normalise=normalise,
                colour=colour,
                sound_labels=read_labels(sound, None),
                floor=floor,
            ),
            settings=tuple(setting or ()),
            examples=tuple(example or ()),
            reference=reference,
            accept=yes,
            replace=replace,
        )
        imported = run.run(order, _ask if sys.stdin.isatty() and not yes else None)
        if as_json:
            sys.stdout.write(json.dumps(run.as_json(imported)) + "\n")
        else:
            sys.stdout.write("\n".join(_told(imported)) + "\n")


def _ask(question: Question) -> str:
    return str(typer.prompt(f"{question.asks} ({question.option})", default=question.proposed or None))


def _check_words(*, name: str, **words: str) -> None:
    if not name or not all(sign.isalnum() or sign in "_.-" for sign in name) or name.startswith("."):
        raise ConfigError(f"--name {name!r}: letters, digits, '_', '-' and '.' are right")
    allowed: Mapping[str, Sequence[str]] = {
        "head": ("v8", "v5", "end2end"),
        "fit": ("whole", "letterbox", "tiles", "crop"),
        "normalise": tuple(NORMALISATIONS),
        "colour": ("rgb", "bgr"),
        "decoder": (
            "yolo",
            "detr",
            "torchvision",
            "instance_segmentation",
            "classification",
            "segmentation",
            "anomaly_map",
        ),
    }
    for option, word in words.items():
        if word and word not in allowed[option]:
            raise ConfigError(f"--{option} {word!r} is unknown; there are: {', '.join(allowed[option])}")


def _told(imported: run.Imported) -> list[str]:
    card = imported.card
    sides = f" {card.frame.width} x {card.frame.height} px" if card.frame.width else ""
    names = ", ".join(card.labels[:_SHOWN_LABELS]) + (" ..." if len(card.labels) > _SHOWN_LABELS else "")
    lines = [
        f"{imported.folder}: {card.task}, read by {card.decoder!r}, {len(card.labels)} classes ({names})",
        f"  frame {card.frame.fit}{sides}, {card.input.colour}, {card.input.dtype}, floor {card.candidate_score:g}",
        f"  {imported.pictures} reference picture(s) with {imported.detections} detection(s) written",
    ]
    lines += [f"  assumed: {answer}" for answer in imported.assumed]
    if imported.parity is not None:
        lines.append(f"  parity: {imported.parity}")
    if imported.map_parity is not None:
        lines.append(f"  parity: {imported.map_parity}")
    if imported.parity is None and imported.map_parity is None:
        lines.append("  parity was not proved: --reference FILE.json compares with the model's own software")
    return lines


@app.command("check")
def check(
    name: Annotated[str, typer.Argument(help="Name of a package.")],
    *,
    models: Models = None,
    config: options.Config = None,
    as_json: options.Json = False,
) -> None:
    """Run a package's reference vectors on this PC: same input to the bit, same outputs, same detections; else exit 1.

    A signature is verified too, and asked for where models.trusted_keys names keys.

    Example: inspector model check bearings
    """
    service.configure_logs()
    with speaking_plainly():
        card, met = run.check(models_folder(models, config) / name, options.trusted(config))
        if as_json:
            found = {
                "name": card.name,
                "signed_by": card.signed_by or None,
                "fits": met.fits,
                "pictures": met.pictures,
                "same_input": met.same_input,
                "largest_output_difference": met.most_output,
                "detections": str(met.detections),
            }
            sys.stdout.write(json.dumps(found) + "\n")
        else:
            word = "fits" if met.fits else "DOES NOT FIT"
            signed = f"signed by {card.signed_by}" if card.signed_by else "not signed"
            inputs = "the same to the bit" if met.same_input else "NOT the same"
            sys.stdout.write(
                f"{card.name} {card.version}: {word}; {met.pictures} picture(s), inputs {inputs}, outputs within "
                f"{met.most_output:.2g}, {met.detections}; {signed}\n"
            )
        raise SystemExit(0 if met.fits else EX_FINDINGS)


@app.command("list")
def list_(
    *,
    measure: Annotated[bool, typer.Option("--bench", help="Measure each on one 12-megapixel frame.")] = False,
    rounds: Annotated[int, typer.Option("--rounds", min=3, max=1000, help="Frames measured.")] = 30,
    threads: Annotated[int, typer.Option("--threads", min=0, max=64, help="Threads; 0: one per core.")] = 0,
    models: Models = None,
    config: options.Config = None,
    as_json: options.Json = False,
) -> None:
    """List the model packages; with --bench their milliseconds and memory on this PC.

    Example: inspector model list --bench
    """
    service.configure_logs()
    with speaking_plainly():
        folder, trusted = models_folder(models, config), options.trusted(config)
        rows = []
        for package in sorted(
            path.parent for path in folder.glob("*/card.toml") if not path.parent.name.startswith(".")
        ):
            row = _row(package, trusted)
            if measure and not row["trouble"]:
                row |= _paced(package, rounds, threads)
            rows.append(row)
        if as_json:
            sys.stdout.write(json.dumps({"models": str(folder), "packages": rows}) + "\n")
        else:
            sys.stdout.write("\n".join(_table(rows, measured=measure)) + "\n")


def _row(folder: Path, trusted: TrustedKeys) -> dict[str, Any]:
    try:
        card = load_card(folder, trusted)
        facts = onnx_file.read(card.path)
    except ConfigError as error:
        return {"name": folder.name, "trouble": str(error).splitlines()[0]}
    return {
        "name": card.name,
        "version": card.version,
        "task": card.task,
        "decoder": card.decoder,
        "licence": card.licence,
        "parameters": facts.parameters,
        "file_mb": round(card.path.stat().st_size / 2**20, 2),
        "input": _input_words(card),
        "labels": list(card.labels),
        "metrics": dict(card.metrics),
        "signed_by": card.signed_by or None,
        "trouble": "",
    }


def _input_words(card: ModelCard) -> str:
    frame = card.frame
    sides = f" {frame.width}x{frame.height}" if frame.width else " native"
    return f"{card.input.colour} {card.input.dtype} {frame.fit}{sides}"


def _paced(folder: Path, rounds: int, threads: int) -> dict[str, Any]:
    """The figures of the fastest runtime, and below "runtimes" those of all that are installed."""
    paces = bench.measure(folder, rounds=rounds, threads=threads)
    fastest = min(paces, key=lambda pace: (bool(pace.trouble), pace.p50_ms))
    return {**_figures(fastest), "runtimes": {pace.kind: _figures(pace) for pace in paces}}


def _figures(pace: bench.Pace) -> dict[str, Any]:
    return {
        "runtime": pace.runtime or pace.kind,
        "p50_ms": round(pace.p50_ms, 1),
        "p99_ms": round(pace.p99_ms, 1),
        "memory_mb": round(pace.memory_mb),
        "trouble": pace.trouble,
    }


def _table(rows: Sequence[Mapping[str, Any]], *, measured: bool) -> list[str]:
    heads = ["name", "version", "decoder", "parameters", "MB", "input", "signed by"]
    heads += ["runtime", "p50 ms", "p99 ms", "memory MB"] if measured else []
    lines = [[*heads, "metrics"]]
    for row in rows:
        if row["trouble"]:
            lines.append([row["name"], row["trouble"]])
            continue
        line = [
            row["name"],
            row["version"],
            row["decoder"],
            f"{row['parameters']:,}",
            str(row["file_mb"]),
            row["input"],
            row["signed_by"] or "nobody",
        ]
        line += [str(row[key]) for key in ("runtime", "p50_ms", "p99_ms", "memory_mb")] if measured else []
        figures = {
            key: value for key, value in row["metrics"].items() if isinstance(value, float) and key.endswith(_ACCURACY)
        }
        lines.append(
            [*line, ", ".join(f"{key} {value:g}" for key, value in list(figures.items())[:_SHOWN_FIGURES]) or "none"]
        )
    widths = [max((len(line[at]) for line in lines if at < len(line) > 2), default=0) for at in range(len(lines[0]))]  # noqa: PLR2004
    return ["  ".join(word.ljust(width) for word, width in zip(line, widths, strict=False)).rstrip() for line in lines]


model_teach.register(app)
model_sign.register(app)
model_collect.register(app)
