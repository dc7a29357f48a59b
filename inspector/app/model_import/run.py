"""From an ONNX file to a package that has proved itself: look, ask, write, run, compare."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inspector.adapters.runtime_onnx.graph import Graph, look
from inspector.app.model_import import maps, package, references
from inspector.app.model_import.hints import Hints
from inspector.app.model_import.parity import Difference, Example, compare, fitting
from inspector.app.model_import.proposal import Proposal, Question, answered, propose
from inspector.app.model_import.reference_file import Reference, read_reference
from inspector.app.model_package import load_card
from inspector.app.model_signature import NOBODY, TrustedKeys
from inspector.app.open_model import onnx_runtime, open_model
from inspector.domain.errors import ConfigError
from inspector.pipeline.detect import Detector
from inspector.ports.model import ModelCard
from inspector.ports.plugin import Context

CONTEXT = Context(station="import", data_dir="", run_dir="")
Ask = Callable[[Question], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be imported, as what, and how it is proved. ``accept``: usual answers are taken unasked."""

    source: Path
    models: Path
    name: str
    hints: Hints
    settings: tuple[str, ...] = ()
    examples: tuple[Path, ...] = ()
    reference: Path | None = None
    accept: bool = False
    replace: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A package in its place. ``parity`` and ``map_parity`` are None where the reference has no such thing."""

    folder: Path
    card: ModelCard
    assumed: tuple[str, ...]
    pictures: int
    detections: int
    parity: Difference | None
    map_parity: maps.MapDifference | None


def run(order: Order, ask: Ask | None) -> Imported:
    """Import a model. ``ask`` puts a question to the user; None: nobody is there.

    Raises:
        ConfigError: the graph cannot run, something is not said, or the parity gate is not passed.
    """
    graph = look(order.source)
    reference = read_reference(order.reference) if order.reference is not None else Reference()
    examples = [*reference.seen, *(_bare(example) for example in reference.maps)]
    examples += references.pictures(order.examples) if order.examples or not examples else []
    proposal, assumed = _settle(lambda hints: _proposed(graph, order, hints), order, ask)
    tables = package.overridden(proposal.tables, order.settings)
    with package.new_package(order.models, order.name, replace=order.replace) as draft:
        package.write_card(draft, tables, order.source)
        card = load_card(draft)
        with open_model(card, runtime=onnx_runtime(card, {}), context=CONTEXT) as detector:
            parity = _gate(detector, order, reference.seen) if reference.seen else None
            map_parity = _map_gate(detector, order, reference.maps) if reference.maps else None
            count = references.write(draft, detector, examples)
    return Imported(
        folder=order.models / order.name,
        card=card,
        assumed=assumed,
        pictures=len(examples),
        detections=count,
        parity=parity,
        map_parity=map_parity,
    )


def _proposed(graph: Graph, order: Order, hints: Hints) -> Proposal:
    try:
        return propose(graph, order.name, hints)
    except ConfigError as error:
        raise ConfigError(f"{order.source}: {error}") from error


def _bare(example: maps.MapExample) -> Example:
    """Its picture alone, for reference vectors."""
    return Example(name=example.name, pixels=example.pixels, pixel_format=example.pixel_format, expected=())


def _settle(make: Callable[[Hints], Proposal], order: Order, ask: Ask | None) -> tuple[Proposal, tuple[str, ...]]:
    """Ask until nothing is open; say what was assumed."""
    hints = order.hints
    assumed: list[str] = []
    while True:
        proposal = make(hints)
        if not proposal.questions:
            return proposal, tuple(assumed)
        question = proposal.questions[0]
        if order.accept and question.proposed:
            answer = question.proposed
            assumed.append(f"{question.option} {answer}")
        elif ask is not None:
            answer = ask(question)
        else:
            raise ConfigError(_open_questions(order.source, proposal.questions))
        hints = answered(hints, question.option, answer)


def _open_questions(source: Path, questions: Sequence[Question]) -> str:
    lines = [f"{source}: the graph does not say everything; give"]
    for question in questions:
        usual = f" [usual: {question.proposed}; --yes takes it]" if question.proposed else ""
        lines.append(f"  {question.option}  {question.asks}{usual}")
    return "\n".join(lines)


def _gate(detector: Detector, order: Order, examples: Sequence[Example]) -> Difference:
    """The parity gate.

    Raises:
        ConfigError: the line would not see what the model's own software sees.
    """
    found = compare(detector, examples)
    if found.fits and found.compared:
        return found
    if found.fits:
        raise ConfigError(
            f"{order.reference}: has no detection above the floor {detector.card.candidate_score:g}: nothing is "
            "compared; give pictures that show something, 50 detections or more"
        )
    remedy = _remedy(fitting(detector, examples))
    raise ConfigError(f"{order.reference}: the model does not give what the reference says: {found}; {remedy}")


def _map_gate(detector: Detector, order: Order, examples: Sequence[maps.MapExample]) -> maps.MapDifference:
    """The parity gate for anomaly maps and scores.

    Raises:
        ConfigError: the line would not get the map that the model's own software gets.
    """
    found = maps.compare(detector, examples)
    if found.fits:
        return found
    remedy = _remedy(maps.fitting(detector, examples))
    raise ConfigError(f"{order.reference}: the model does not give what the reference says: {found}; {remedy}")


def _remedy(usual: str) -> str:
    if usual:
        return f"it would fit with {usual}"
    return "none of the usual preprocessings makes it fit: compare how the model's own software prepares a picture"


def check(folder: Path, trusted: TrustedKeys = NOBODY) -> tuple[ModelCard, references.Met]:
    """Run a package's reference vectors again, once its signature counts.

    Raises:
        ConfigError: no package, no vectors, or no signature that counts.
    """
    card = load_card(folder, trusted)
    with open_model(card, runtime=onnx_runtime(card, {}), context=CONTEXT) as detector:
        return card, references.meet(folder, detector)


def as_json(imported: Imported) -> dict[str, Any]:
    """What ``--json`` prints."""
    parity, map_parity = imported.parity, imported.map_parity
    return {
        "package": str(imported.folder),
        "name": imported.card.name,
        "decoder": imported.card.decoder,
        "labels": list(imported.card.labels),
        "assumed": list(imported.assumed),
        "reference_pictures": imported.pictures,
        "reference_detections": imported.detections,
        "parity": None
        if parity is None
        else {
            "compared": parity.compared,
            "least_iou": parity.least_iou,
            "largest_score_difference": parity.most_score,
            "missing": parity.missing,
            "extra": parity.extra,
        },
        "map_parity": None
        if map_parity is None
        else {
            "compared": map_parity.compared,
            "largest_map_difference": map_parity.most_map,
            "scores": map_parity.scores,
            "largest_score_difference": map_parity.most_score,
        },
    }
