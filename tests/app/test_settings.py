"""Settings in three layers: defaults < inspector.toml < the station's own file."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from inspector.app import settings
from inspector.app.build import shift_clock
from inspector.app.tables import SiteTable
from inspector.domain.errors import ConfigError


def written(folder: Path, shared: str, own: str) -> settings.Loaded:
    (folder / "stations").mkdir()
    (folder / "inspector.toml").write_text(shared, encoding="utf-8")
    (folder / "stations" / "left.toml").write_text(own, encoding="utf-8")
    return settings.load(folder, "left")


def test_the_station_overrides_what_all_share_key_by_key(tmp_path: Path) -> None:
    loaded = written(
        tmp_path, "[station]\ndeadline_ms = 500\nstrip_px = 512\n", "[station]\ndeadline_ms = 450\nhandoff_depth = 3\n"
    )
    station = loaded.settings.station
    assert (station.deadline_ms, station.strip_px, station.handoff_depth) == (450, 512, 3)
    origin = {key: source for key, _, source in loaded.effective()}
    assert origin["station.deadline_ms"] == str(tmp_path / "stations" / "left.toml")
    assert origin["station.strip_px"] == str(tmp_path / "inspector.toml")
    assert origin["station.echo_timeout_ms"] == "default"


def test_a_table_of_another_kind_starts_afresh(tmp_path: Path) -> None:
    shared = '[gate]\nkind = "modbus"\nhost = "plc"\n[camera]\nkind = "folder"\npath = "/a"\n'
    loaded = written(tmp_path, shared, '[gate]\nkind = "dry"\n[camera]\nmode = "loop"\n')
    assert loaded.settings.gate == {"kind": "dry"}
    assert loaded.settings.camera == {"kind": "folder", "path": "/a", "mode": "loop"}


def test_relative_paths_are_taken_from_the_configuration_folder(tmp_path: Path) -> None:
    loaded = written(tmp_path, '[paths]\nmodels_dir = "../models"\ndata_dir = "/data"\n', "")
    assert loaded.path("models_dir") == (tmp_path / ".." / "models").resolve()
    assert loaded.path("data_dir") == Path("/data")


def test_the_same_settings_have_the_same_name_and_others_another(tmp_path: Path) -> None:
    for name, own in (("a", "[station]\nstrip_px = 8\n"), ("b", "[station]\nstrip_px=8\n"), ("c", "")):
        (tmp_path / name).mkdir()
        written(tmp_path / name, "", own)
    a, b, c = (settings.load(tmp_path / name, "left").sha256 for name in "abc")
    assert a == b != c


def test_the_topic_is_made_of_isa_95_names(tmp_path: Path) -> None:
    loaded = written(tmp_path, '[site]\nenterprise = "acme"\ncell = "press7"\n', "")
    assert loaded.topic_root == "acme/plant1/area1/line1/press7/inspector/left"


def test_a_key_set_in_the_shared_file_is_blamed_on_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"inspector\.toml: station\.strip_px = -1"):
        written(tmp_path, "[station]\nstrip_px = -1\n", "[station]\ndeadline_ms = 450\n")


def test_shifts_are_told_in_the_sites_own_time_and_go_on_after_midnight() -> None:
    table = {"early": "06:00:00", "late": "14:00:00", "night": "22:00:00"}
    shift = shift_clock(SiteTable.model_validate({"time_zone": "Europe/Berlin", "shifts": table}))
    told = [shift(datetime(2026, 7, 1, hour, 30, tzinfo=UTC)) for hour in (3, 4, 11, 12, 19, 20, 23)]
    assert told == ["night", "early", "early", "late", "late", "night", "night"]
    assert shift_clock(SiteTable())(datetime(2026, 7, 1, tzinfo=UTC)) == ""
