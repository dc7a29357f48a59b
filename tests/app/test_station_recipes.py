"""Revisions as one station's line would judge by them: what fits its slots, models, camera and scale."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from inspector.adapters import journal_sql
from inspector.app import settings
from inspector.app.build import _lay_out
from inspector.app.parts import Parts, check_parts
from inspector.app.station_recipes import StationRecipes, read_recipe, recipe_file
from inspector.domain.errors import ConfigError, DeviceError
from inspector.domain.frame import PixelFormat
from inspector.domain.inspection import ModelStamp
from inspector.ports.camera import CameraInfo

CAMERA = CameraInfo(
    name="bench", serial="1", width=640, height=480, pixel_format=PixelFormat.MONO8, counts_frames=True, paced=True
)
ROI = "\n[roi]\nrect_px = [0.0, 0.0, 64.0, 64.0]\n"


@dataclass(slots=True, kw_only=True)
class Desk:
    """A station with its book. ``laid_out``: what its models were run on beside the line."""

    parts: Parts
    book: journal_sql.PeoplesBook
    laid_out: list[tuple[str, tuple[int, int]]] = field(default_factory=list)
    trouble: Exception | None = None

    def source(self) -> StationRecipes:
        """As a line has it."""

        def lay_out(name: str, sides: tuple[int, int]) -> None:
            if self.trouble is not None:
                raise self.trouble
            self.laid_out.append((name, sides))

        models = {
            name: ModelStamp(name=name, version=card.version, sha256=card.sha256)
            for name, card in self.parts.cards.items()
        }
        return StationRecipes(
            self.parts,
            models=models,
            camera=CAMERA,
            shelf=self.book.shelf,
            activations=self.book.activations,
            lay_out=lay_out,
        )

    def approved(self, text: str) -> str:
        """Proposed by one, approved by another."""
        now = datetime.now(UTC)
        sha256 = self.book.shelf.propose("recipe", "critical", text, by="enzo", at_utc=now)
        self.book.shelf.decide("recipe", sha256, by="quirin", approved=True, comment="", at_utc=now)
        return sha256


@pytest.fixture
def desk(tmp_path: Path, repo: Path) -> Iterator[Desk]:
    config = tmp_path / "config"
    (config / "stations").mkdir(parents=True)
    (config / "inspector.toml").write_text(
        f'[paths]\ndata_dir = "{tmp_path}/data"\nrun_dir = "{tmp_path}/run"\nmodels_dir = "{repo}/models"\n'
        f'recipes_dir = "{repo}/config/recipes"\n'
    )
    (config / "stations" / "left.toml").write_text(
        '[scale]\nid = "plate"\npx_per_mm = 20.0\n[camera]\nkind = "folder"\npath = "/nowhere"\n'
        '[trigger]\nkind = "free"\n[runtime]\nkind = "onnx"\n'
    )
    (tmp_path / "data" / "left").mkdir(parents=True)
    parts = check_parts(settings.load(config, "left"))
    with journal_sql.open_for_people(parts.journal, station="left") as book:
        yield Desk(parts=parts, book=book)


def test_an_approved_revision_is_read_as_the_line_judges_by_it(desk: Desk) -> None:
    text = desk.parts.recipes[0].text.replace("min_length_mm = 1.5 ", "min_length_mm = 2.5 ", 1)
    sha256 = desk.approved(text)
    active = desk.source().fetch("critical", sha256)
    assert (active.stamp.sha256, active.model.name) == (sha256, "surface-small")
    assert active.recipe.classes["crack"].min_length_mm == 2.5
    assert desk.laid_out == []


def test_what_is_unknown_or_not_approved_is_refused(desk: Desk) -> None:
    with pytest.raises(ConfigError, match="no recipe revision 999999999999 in this journal"):
        desk.source().fetch("critical", "9" * 64)
    text = desk.parts.recipes[0].text + "# mine\n"
    sha256 = desk.book.shelf.propose("recipe", "critical", text, by="enzo", at_utc=datetime.now(UTC))
    with pytest.raises(ConfigError, match="is proposed: another person than its author must approve it first"):
        desk.source().fetch("critical", sha256)


def test_a_model_that_this_line_did_not_load_is_named(desk: Desk) -> None:
    sha256 = desk.approved(desk.parts.recipes[0].text.replace('"surface-small"', '"surface-base"', 1))
    with pytest.raises(ConfigError, match="model = 'surface-base', but the station runs 'surface-small'"):
        desk.source().fetch("critical", sha256)
    with pytest.raises(ConfigError, match="'surface-base' is not one that this station loads; it loads: surface-sm"):
        desk.source().fetch("job", sha256)


def test_an_area_of_a_new_size_is_laid_out_once_beside_the_line(desk: Desk) -> None:
    sha256 = desk.approved(desk.parts.recipes[0].text + ROI)
    source = desk.source()
    source.fetch("critical", sha256)
    source.fetch("critical", sha256)
    ((model, (height, width)),) = desk.laid_out
    assert (model, height <= CAMERA.height, width <= CAMERA.width) == ("surface-small", True, True)
    _lay_out(desk.parts, {}, model, (height, width))  # the real model on an area of this size
    desk.trouble = DeviceError("runtime", "out of memory")
    with pytest.raises(ConfigError, match=r"roi: model surface-small does not run on \d+ x \d+ px: out of memory"):
        desk.source().fetch("critical", sha256)


def test_a_proposal_says_what_is_wrong_with_it(desk: Desk) -> None:
    assert read_recipe(desk.parts, desk.parts.recipes[0].text).name == "critical"
    with pytest.raises(ConfigError, match="recipe: is not valid TOML"):
        read_recipe(desk.parts, "= 1")
    picture = '[fixture]\ntemplate = "none.png"\nsha256 = "' + "0" * 64 + '"\nframe_px = [640, 480]\n'
    with pytest.raises(ConfigError, match=r"fixture.template = 'none.png': .* cannot be read"):
        read_recipe(desk.parts, f"{desk.parts.recipes[0].text}{picture}region_px = [0, 0, 320, 320]\n")


def test_files_are_read_for_slots_only(desk: Desk) -> None:
    assert recipe_file(desk.parts, "critical") == desk.parts.recipes[0].text
    assert recipe_file(desk.parts, "../../secret") is None
    assert recipe_file(desk.parts, "background") is None


def test_the_checksum_changes_with_a_revision(desk: Desk) -> None:
    source, now = desk.source(), desk.parts.recipes[0].sha256
    assert source.checksum([now]) == desk.parts.context.checksum != source.checksum(["0" * 64])
