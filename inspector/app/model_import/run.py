"""From an ONNX file to a package that has proved itself: look, ask, write, run, compare."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inspector.adapters.runtime_onnx import onnx_file
from inspector.adapters.runtime_onnx.graph import Graph, look
from inspector.app.model_import import package, references
from inspector.app.model_import.hints import Hints
from inspector.app.model_import.parity import Difference, Example, compare, fitting, read_reference
from inspector.app.model_import.proposal import Proposal, Question, answered, propose
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
    """A package in its place. ``parity`` is None where no reference was given."""

    folder: Path
    card: ModelCard
    assumed: tuple[str, ...]
    pictures: int
    detections: int
    parity: Difference | None


def run(order: Order, ask: Ask | None) -> Imported:
    """Import a model. ``ask`` puts a question to the user; None: nobody is there.

    Raises:
        ConfigError: the graph cannot run, something is not said, or the parity gate is not passed.
    """
    facts = onnx_file.read(order.source)
    if facts.external and all((order.source.parent / name).is_file() for name in facts.external):
        raise ConfigError(
            f"{order.source}: its weights are in {', '.join(facts.external)}; a package is one file: "
            'onnx.save(onnx.load("A.onnx"), "B.onnx") makes one of them'
        )
    graph = look(order.source)
    examples = list(read_reference(order.reference)) if order.reference is not None else []
    known = bool(examples)
    examples += references.pictures(order.examples) if order.examples or not examples else []
    proposal, assumed = _settle(lambda hints: _proposed(graph, order, hints), order, ask)
    tables = package.overridden(proposal.tables, order.settings)
    with package.new_package(order.models, order.name, replace=order.replace) as draft:
        package.write_card(draft, tables, order.source)
        card = load_card(draft)
        with open_model(card, runtime=onnx_runtime(card, {}), context=CONTEXT) as detector:
            parity = _gate(detector, order, examples) if known else None
            count = references.write(draft, detector, examples)
    return Imported(
        folder=order.models / order.name,
        card=card,
        assumed=assumed,
        pictures=len(examples),
        detections=count,
        parity=parity,
    )


def _proposed(graph: Graph, order: Order, hints: Hints) -> Proposal:
    try:
        return propose(graph, order.name, hints)
    except ConfigError as error:
        raise ConfigError(f"{order.source}: {error}") from error


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
    found = compare(detector, [example for example in examples if example.expected or order.reference])
    if found.fits and found.compared:
        return found
    if found.fits:
        raise ConfigError(
            f"{order.reference}: has no detection above the floor {detector.card.candidate_score:g}: nothing is "
            "compared; give pictures that show something, 50 detections or more"
        )
    usual = fitting(detector, examples)
    remedy = (
        f"it would fit with {usual}"
        if usual
        else "none of the usual preprocessings makes it fit: compare how the model's own software prepares a picture"
    )
    raise ConfigError(f"{order.reference}: the model does not give what the reference says: {found}; {remedy}")


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
    parity = imported.parity
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
    }
