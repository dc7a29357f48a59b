"""The units are valid, hardened, and feed the watchdog only by the process itself."""

import subprocess
from pathlib import Path

import pytest

UNITS = ("inspector-line@.service", "inspector-follow@.service", "inspector-web@.service")
EXPOSURE_TENTHS = {"inspector-line@.service": 15, "inspector-follow@.service": 12, "inspector-web@.service": 12}


def installed(repo: Path, tmp_path: Path, unit: str) -> Path:
    """The unit as an instance, with an ExecStart that exists on this machine."""
    text = (repo / "systemd" / unit).read_text().replace("/opt/inspector/venv/bin/inspector", "/bin/true")
    target = tmp_path / unit.replace("@", "@left")
    target.write_text(text)
    return target


@pytest.mark.peer("systemd-analyze")
@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_is_valid(unit: str, repo: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", str(installed(repo, tmp_path, unit))], capture_output=True, text=True, check=False
    )
    told = [line for line in done.stderr.splitlines() if "inspector" in line]
    assert done.returncode == 0, done.stderr
    assert told == []


@pytest.mark.peer("systemd-analyze")
@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_is_hardened(unit: str, repo: Path, tmp_path: Path) -> None:
    path = installed(repo, tmp_path, unit)
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_TENTHS[unit]}", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout.splitlines()[-1:]


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_notifies_and_is_watched(unit: str, repo: Path) -> None:
    lines = (repo / "systemd" / unit).read_text().splitlines()
    assert "Type=notify" in lines
    assert any(line.startswith("WatchdogSec=") for line in lines)
    assert "RestartPreventExitStatus=78" in lines


DROP_INS = {
    "openvino.conf": ["MemoryDenyWriteExecute=no"],
    "realtime.conf": ["LimitMEMLOCK=infinity", "LimitRTPRIO=50"],
}


@pytest.mark.peer("systemd-analyze")
@pytest.mark.parametrize("name", DROP_INS)
def test_a_drop_in_is_valid_beside_its_unit_and_changes_what_it_says(name: str, repo: Path, tmp_path: Path) -> None:
    unit = installed(repo, tmp_path, "inspector-line@.service")
    folder = tmp_path / f"{unit.name}.d"
    folder.mkdir()
    text = (repo / "systemd" / "inspector-line@.service.d" / name).read_text()
    (folder / name).write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if "inspector" in line] == []
    assert set(DROP_INS[name]) <= set(text.splitlines())


def test_the_units_own_hardening_stays_without_a_drop_in(repo: Path) -> None:
    lines = (repo / "systemd" / "inspector-line@.service").read_text().splitlines()
    assert {"MemoryDenyWriteExecute=yes", "RestrictRealtime=yes"} <= set(lines)


@pytest.mark.peer("systemd-analyze")
@pytest.mark.parametrize(
    ("drop_in", "opens"),
    [
        ("gige", "AF_NETLINK"),
        ("usb3", "DeviceAllow=char-usb_device rw"),
        ("serial", "char-ttyUSB"),
        ("modbus-server", "IPAddressAllow=192."),
    ],
)
def test_the_drop_ins_for_cameras_and_plcs_keep_the_line_hardened(
    repo: Path, tmp_path: Path, drop_in: str, opens: str
) -> None:
    unit = "inspector-line@.service"
    path = installed(repo, tmp_path, unit)
    path.write_text(path.read_text() + "\n" + (repo / "systemd" / f"inspector-line-{drop_in}.conf").read_text())
    assert opens in path.read_text()
    for command in (
        ["systemd-analyze", "verify", str(path)],
        ["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_TENTHS[unit]}", str(path)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout.splitlines()[-1:] + done.stderr.splitlines()


def test_the_receive_buffers_hold_what_a_camera_asks_for(repo: Path) -> None:
    lines = (repo / "systemd" / "inspector.sysctl.conf").read_text().splitlines()
    values = dict(line.split(" = ") for line in lines if " = " in line and not line.startswith("#"))
    assert int(values["net.core.rmem_max"]) >= 32 << 20
