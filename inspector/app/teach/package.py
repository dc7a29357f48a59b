"""Writes what was taught: the graph, its card, a page about it, and a recipe that rejects above the limit."""

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

from inspector.app.model_import import references
from inspector.app.model_package import load_card
from inspector.app.model_signature import sign_package
from inspector.app.open_model import onnx_runtime, open_model
from inspector.app.recipe_file import fit, load_recipe
from inspector.app.teach import graph
from inspector.app.teach.eyes import HALO_PX, BackboneFile
from inspector.app.teach.lesson import LARGE_PX, Lesson
from inspector.app.teach.naming import Names
from inspector.domain.errors import ConfigError
from inspector.ports.plugin import Context

ANOMALY = "anomaly"
CANDIDATE_SCORE = 0.45
"""Of the score v / (1 + v): what reaches 0.82 of the limit is recorded, what reaches 0.5 is above it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a taught model is put."""

    name: str
    models: Path
    recipes: Path

    @property
    def package(self) -> Path:
        """The package's folder."""
        return self.models / self.name

    @property
    def recipe(self) -> Path:
        """The recipe's file."""
        return self.recipes / f"{self.name}.toml"

    def must_be_free(self) -> None:
        """Refuse to write over what is there.

        Raises:
            ConfigError: a package or a recipe of this name exists.
        """
        for path in (self.package, self.recipe):
            if path.exists():
                raise ConfigError(f"--name {self.name}: {path} exists; choose another name, or remove it first")


def write(
    place: Place,
    model: Any,
    lesson: Lesson,
    *,
    shrink: int,
    backbone: BackboneFile,
    names: Names | None,
    says: Sequence[str],
) -> None:
    """Write package and recipe; both are there whole or not at all.

    Raises:
        ConfigError: a folder cannot be written, or what was written does not load.
    """
    try:
        place.models.mkdir(parents=True, exist_ok=True)
        place.recipes.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.models))
    except OSError as error:
        raise ConfigError(f"{place.package}: cannot be written: {error.strerror}; name another folder") from error
    try:
        graph.save(model, draft / "model.onnx")
        card = _card(place.name, draft, lesson, shrink=shrink, backbone=backbone, names=names)
        (draft / "card.toml").write_text(tomlkit.dumps(card), encoding="utf-8")
        (draft / "MODEL_CARD.md").write_text(_page(place.name, lesson, shrink, backbone, says), encoding="utf-8")
        recipe = draft / "recipe.toml"
        recipe.write_text(_recipe(place.name, lesson), encoding="utf-8")
        _prove(draft, recipe, lesson)
        draft.chmod(0o755)
        draft.rename(place.package)
        (place.package / recipe.name).replace(place.recipe)
    except OSError as error:
        if not place.recipe.is_file():
            shutil.rmtree(place.package, ignore_errors=True)
        raise ConfigError(f"{place.package}: cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _prove(draft: Path, recipe: Path, lesson: Lesson) -> None:
    """Load what was written as a line does, and record its reference vectors for `inspector model check`."""
    card = load_card(draft)
    fit(load_recipe(recipe), card, None)
    small = max(height * width for height, width in lesson.shapes) < LARGE_PX
    examples = references.pictures(lesson.taught[:1] if small else ())
    context = Context(station="teach", data_dir="", run_dir="")
    with open_model(card, runtime=onnx_runtime(card, {}), context=context) as detector:
        references.write(draft, detector, examples)


def release(package: Path, key: Path | None = None) -> bool:
    """Let lines run a candidate, and sign it with the private key in ``key``. False if it was released before.

    Raises:
        ConfigError: no such package, one that does not load, or a signed one without a key to sign it anew.
    """
    candidate = load_card(package)
    if candidate.released:
        return False
    if candidate.signed_by and key is None:
        raise ConfigError(
            f"{package}: is signed by {candidate.signed_by} as a candidate, and releasing it changes card.toml; "
            "give --key FILE: it is signed anew"
        )
    path = package / "card.toml"
    card: Any = tomlkit.parse(path.read_text(encoding="utf-8"))
    card["model"]["released"] = True
    fresh = path.with_suffix(".new")
    fresh.write_text(tomlkit.dumps(card), encoding="utf-8")
    fresh.replace(path)
    if key is not None:
        sign_package(package, key)
    return True


def _card(
    name: str, folder: Path, lesson: Lesson, *, shrink: int, backbone: BackboneFile, names: Names | None
) -> dict[str, Any]:
    digest = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    stride = graph.CELL_PX * shrink
    labels = [ANOMALY, *(names.labels if names else ())]
    first = {"name": graph.MAP, "dtype": "float32", "stride": stride}
    several = [{**first, "role": "map"}, {**first, "name": graph.NAMES, "role": "names"}]
    outputs: dict[str, Any] = {"outputs": several} if names else {"output": first}
    return {
        "schema": "inspector.card/1",
        "model": {
            "name": name,
            "version": "1",
            "task": "anomaly",
            "file": "model.onnx",
            "sha256": digest,
            "licence": f"{backbone.licence} (backbone); statistics of your own pictures",
            "labels": labels,
            "released": False,
        },
        "input": {
            "name": "image",
            "dtype": "uint8",
            "layout": "NCHW",
            "channels": 1,
            "multiple": graph.MULTIPLE_PX * shrink,
        },
        **outputs,
        "decoder": {
            "kind": "anomaly_map",
            "candidate_score": CANDIDATE_SCORE,
            "halo_px": HALO_PX * shrink,
            "border": "replicate",
            "values": "ratio",
            "edge_gain": [0.0, *(round(factor, 3) for factor in lesson.edge_gain)],
        },
        "measure": {
            "min_length_px": 3.0 * stride,
            "min_width_px": 3.0 * stride,
            "min_area_px": 9.0 * stride * stride,
        },
        "metrics": _metrics(lesson, shrink),
        "cannot": {"says": _cannot(lesson, stride)},
    }


def _metrics(lesson: Lesson, shrink: int) -> dict[str, float | str]:
    return {
        "taught_pictures": float(len(lesson.taught)),
        "promised_false_rejects": lesson.limit.promise,
        "limit_over_typical": round(lesson.limit.factor, 3),
        "working_scale": 1 / shrink,
        "support": lesson.limit.support,
    }


def _cannot(lesson: Lesson, stride: int) -> list[str]:
    return [
        f"It was taught with {len(lesson.taught)} good parts: a good part unlike all of them it calls an anomaly.",
        f"The outermost {stride} px of the frame are not looked at: the camera must see a margin around the part.",
        f"Sizes are counted in cells of {stride} px: no length, width or area below three cells can be trusted.",
        "Faint or very small defects are missed: how many is known only from pictures of bad parts.",
        "A change of light, lens or position is an anomaly to it: teach again after such a change.",
    ]


def _page(name: str, lesson: Lesson, shrink: int, backbone: BackboneFile, says: Sequence[str]) -> str:
    paths = "\n".join(f"- {path.name}" for path in lesson.taught)
    left = [f"- {one.path.name}: odd, {one.times:.2f} times the typical score" for one in lesson.odd]
    left += [f"- {one.reason}" for one in lesson.skipped]
    return (
        f"# {name}\n\nTaught by `inspector model teach` at 1/{shrink} of the frame's scale. A candidate until "
        f"`inspector model release {name}`.\n\n"
        + "\n".join(f"- {line}" for line in says)
        + f"\n\nBackbone: {backbone.origin} ({backbone.licence}), sha256 {backbone.sha256}.\n\n"
        f"## Taught with\n{paths}\n\n## Odd or not used\n" + ("\n".join(left) or "none") + "\n"
    )


def _recipe(name: str, lesson: Lesson) -> str:
    return f"""\
# Written by `inspector model teach`. A score of 0.5 is the taught limit, 0.67 is twice the limit.
schema = "inspector.recipe/1"
name = "{name}"
description = "any anomaly above the taught limit fails; promised false rejects {lesson.limit.promise:.1%}"
model = "{name}"

[other]                # every anomaly, named or not
severity = "major"
weight = 1.0
confidence = 0.50      # the limit
# doubt = 0.47         # uncomment: from 0.89 of the limit on a part is UNDECIDED and goes to a person
any_fails = true

[evidence]
keep_good = 0.05       # one clean pass in twenty keeps its picture, so that escapes can be estimated
lossless = true
"""
