"""Judges picture files one by one: no part, no gate, no journal."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from inspector.adapters.camera_folder.images import read_image
from inspector.app.build import model_stamp
from inspector.app.model_package import load_card
from inspector.app.model_signature import NOBODY, TrustedKeys
from inspector.app.open_model import onnx_runtime, open_model
from inspector.app.parts import SOFTWARE
from inspector.app.recipe_file import LoadedRecipe, fit, load_recipe
from inspector.app.share import share_dir
from inspector.domain.detection import Detection
from inspector.domain.errors import ConfigError, FrameError
from inspector.domain.frame import PartId, PixelFormat, Pixels
from inspector.domain.geometry import Scale
from inspector.domain.inspection import EvidenceRef, GateTold, Inspection, RecipeStamp, Timings, uuid7
from inspector.domain.rules import judge
from inspector.domain.verdict import Verdict, undecided
from inspector.pipeline import optics
from inspector.pipeline.detect import Detector
from inspector.pipeline.place import place
from inspector.pipeline.view import view_of
from inspector.ports.model import ModelCard
from inspector.ports.plugin import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One judged file. ``pixels`` is None where it could not be read, and ``trouble`` says why."""

    path: Path
    inspection: Inspection
    pixels: Pixels | None
    trouble: str


class OneShot:
    """A model, a recipe and a scale, ready for files."""

    def __init__(self, *, detector: Detector, recipe: LoadedRecipe, scale: Scale) -> None:
        self._detector = detector
        self._recipe = recipe
        self._scale = scale

    @property
    def means(self) -> str:
        """What it judges with: "recipe critical, model surface-small 0.1.0, 20 px/mm"."""
        card = self._detector.card
        return f"recipe {self._recipe.recipe.name}, model {card.name} {card.version}, {self._scale.px_per_mm:g} px/mm"

    def judge(self, path: Path, *, most_px: int | None = None) -> Shot:
        """Judge one file; a file that cannot be used is UNDECIDED with the reason.

        ``most_px``: of a file that somebody sent: with more pixels it cannot be used; None: any number.
        """
        begun, opened = time.perf_counter(), datetime.now(UTC)
        pixels: Pixels | None = None
        detections: tuple[Detection, ...] = ()
        timings, trouble = Timings(), ""
        try:
            pixels, pixel_format = read_image(path, most_px=most_px)
            grabbed = time.perf_counter()
            verdict, detections, timings = self._look(pixels, pixel_format, grab_ms=(grabbed - begun) * 1e3)
        except FrameError as error:
            trouble = str(error)
            verdict = undecided(trouble, rule="law.frame")
        inspection = self._record(path, pixels, verdict, detections, timings, opened)
        return Shot(path=path, inspection=inspection, pixels=pixels, trouble=trouble)

    def _look(
        self, pixels: Pixels, pixel_format: PixelFormat, *, grab_ms: float
    ) -> tuple[Verdict, tuple[Detection, ...], Timings]:
        if pixel_format is not PixelFormat.MONO16:
            optics.check(pixels)
        carried = place(self._recipe.recipe, self._recipe.finder, pixels, pixel_format)
        if isinstance(carried, Verdict):
            return carried, (), Timings(grab=grab_ms, total=grab_ms)
        view = view_of(self._recipe.recipe, carried, *pixels.shape[:2])
        seen = self._detector.detect(pixels, pixel_format, view=view)
        begun = time.perf_counter()
        verdict = judge(carried, seen.detections, self._scale)
        judge_ms = (time.perf_counter() - begun) * 1e3
        timings = Timings(
            grab=grab_ms,
            preprocess=seen.preprocess_ms,
            infer=seen.infer_ms,
            decode=seen.decode_ms,
            judge=judge_ms,
            total=grab_ms + seen.preprocess_ms + seen.infer_ms + seen.decode_ms + judge_ms,
        )
        return verdict, seen.detections, timings

    def _record(
        self,
        path: Path,
        pixels: Pixels | None,
        verdict: Verdict,
        detections: tuple[Detection, ...],
        timings: Timings,
        opened: datetime,
    ) -> Inspection:
        now = datetime.now(UTC)
        height, width = pixels.shape[:2] if pixels is not None else (0, 0)
        return Inspection(
            result_id=uuid7(int(now.timestamp() * 1000), secrets.randbits(74)),
            part=PartId(part_seq=0, serial=path.name),
            station="one-shot",
            verdict=verdict,
            detections=detections,
            gate_told=GateTold.NOTHING,
            recipe=RecipeStamp(name=self._recipe.recipe.name, sha256=self._recipe.sha256),
            model=model_stamp(self._detector.card, self._detector),
            settings_sha256="",
            created_utc=now,
            opened_utc=opened,
            timings=timings,
            software=SOFTWARE,
            scale_id=self._scale.id,
            evidence=EvidenceRef(path=str(path), sha256="", width=width, height=height, lossless=True)
            if pixels is not None
            else None,
            evidence_note=verdict.reason if pixels is None else "",
            simulated=True,
        )


@contextmanager
def open_one_shot(
    *, model: Path | None, recipe: str, px_per_mm: float, trusted: TrustedKeys = NOBODY
) -> Iterator[OneShot]:
    """Open a model package (default: the shipped one) and a recipe, by name or by path.

    Raises:
        ConfigError: they are not there or do not fit together.
    """
    loaded = load_recipe(_recipe_path(recipe))
    card = load_card(model or share_dir() / "models" / loaded.recipe.model, trusted)
    with open_with(card, loaded, px_per_mm=px_per_mm) as eye:
        yield eye


@contextmanager
def open_with(card: ModelCard, loaded: LoadedRecipe, *, px_per_mm: float) -> Iterator[OneShot]:
    """Open a model whose card was read already, with a recipe that was.

    Raises:
        ConfigError: they do not fit together.
    """
    scale = Scale(id=f"given: {px_per_mm:g} px/mm", px_per_mm=px_per_mm)
    fit(loaded, card, scale)
    context = Context(station="one-shot", data_dir="", run_dir="", software=SOFTWARE)
    with open_model(card, runtime=onnx_runtime(card, {}), context=context) as detector:
        yield OneShot(detector=detector, recipe=loaded, scale=scale)


def _recipe_path(recipe: str) -> Path:
    shipped = share_dir() / "config" / "recipes"
    path = Path(recipe)
    if path.suffix == ".toml" or path.is_file():
        return path
    named = shipped / f"{recipe}.toml"
    if named.is_file():
        return named
    known = ", ".join(sorted(p.stem for p in shipped.glob("*.toml")))
    raise ConfigError(f"--recipe {recipe!r}: no such recipe; give a file, or one of: {known}")
