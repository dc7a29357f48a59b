"""What every test may ask for, and what happens where a peer is missing."""

import functools
import importlib
import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

SHARED = Path(__file__).resolve().parents[2] / "shared"
NODE_PEERS = Path(__file__).resolve().parents[1] / ".stamps" / "node"
SCHEMATHESIS = Path(__file__).resolve().parents[1] / ".stamps" / "schemathesis" / "bin" / "schemathesis"
REQUIRED = os.environ.get("INSPECTOR_PEERS_REQUIRED") == "1"


def _command(name: str) -> Callable[[], bool]:
    return lambda: shutil.which(name) is not None or Path("/usr/sbin", name).exists()


def _libmodbus() -> bool:
    if shutil.which("pkg-config") is None or shutil.which("gcc") is None:
        return False
    return subprocess.run(["pkg-config", "--exists", "libmodbus"], check=False).returncode == 0


def _imports(module: str) -> bool:
    try:
        importlib.import_module(module)
    except ImportError:
        return False
    return True


def _rtsp() -> bool:
    """Whether Debian's own Python has the bindings, and GStreamer an encoder."""
    asked = (
        "import gi; gi.require_version('Gst', '1.0'); gi.require_version('GstRtspServer', '1.0'); "
        "from gi.repository import Gst, GstRtspServer; Gst.init(None); "
        "raise SystemExit(0 if Gst.ElementFactory.find('x264enc') else 1)"
    )
    try:
        return subprocess.run(["/usr/bin/python3", "-c", asked], check=False, capture_output=True).returncode == 0
    except OSError:
        return False


def _network() -> bool:
    return os.geteuid() == 0 and shutil.which("ip") is not None


PEERS: dict[str, tuple[Callable[[], bool], str]] = {
    "mosquitto": (_command("mosquitto"), "apt-get install mosquitto mosquitto-clients"),
    "libmodbus": (_libmodbus, "apt-get install libmodbus-dev gcc libc6-dev pkg-config"),
    "mbpoll": (_command("mbpoll"), "apt-get install mbpoll"),
    "socat": (_command("socat"), "apt-get install socat"),
    "node": (
        lambda: shutil.which("node") is not None and (NODE_PEERS / "installed").exists(),
        "make setup (nodejs, npm; jsmodbus and modbus-serial into .stamps/node)",
    ),
    "schemathesis": (SCHEMATHESIS.exists, "make setup (schemathesis into .stamps/schemathesis)"),
    "systemd-analyze": (_command("systemd-analyze"), "apt-get install systemd"),
    "openssl": (_command("openssl"), "apt-get install openssl"),
    "qemu-user": (
        lambda: platform.machine() == "x86_64" and _command("qemu-x86_64")(),
        "apt-get install qemu-user, 7.2 or newer (on a PC with an x86-64 processor)",
    ),
    "root": (lambda: os.geteuid() == 0, "run as root"),
    "pylon": (lambda: _imports("inspector.adapters.camera_pylon"), "make setup (the extra pylon)"),
    "grammar": (
        lambda: _imports("tree_sitter") and _imports("tree_sitter_iec61131_3_st"),
        "make setup (the extra peers)",
    ),
    "network": (_network, "as root: make setup (iproute2)"),
    "gentl": (lambda: _imports("inspector.adapters.camera_gentl"), "make setup (the extra gentl)"),
    "rtsp": (
        lambda: _rtsp() and _network(),
        "as root: make setup (gir1.2-gst-rtsp-server-1.0, gstreamer1.0-plugins-base, -good, -bad, -ugly, python3-gi)",
    ),
    "dicom": (lambda: _imports("pydicom"), "make setup (the extra dicom)"),
    **{
        f"library {kind}": (
            functools.partial(_imports, f"inspector.adapters.camera_{kind}"),
            f"make setup (extra {kind})",
        )
        for kind in ("aravis", "pylon", "gentl")
    },
    "viva": (lambda: _imports("viva_genicam"), "make setup (the extra peers)"),
    "aravis": (
        lambda: _imports("inspector.adapters.camera_aravis") and _command("arv-fake-gv-camera-0.8")() and _network(),
        "as root: make setup (aravis-tools, aravis-tools-cli, gir1.2-aravis-0.8, iproute2, the extra aravis)",
    ),
}


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or fail where nothing may be missing, a test whose peer is not there."""
    for mark in item.iter_markers("peer"):
        name = mark.args[0]
        present, install = PEERS[name]
        if not present():
            told = f"the real peer {name} is missing: {install}"
            if REQUIRED:
                pytest.fail(told, pytrace=False)
            pytest.skip(told)
    if item.get_closest_marker("realdata") and not SHARED.is_dir():
        pytest.skip("../shared with the real images is absent")


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """A verb that is called in this process sets up logging; the next test must not find it."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def shows(record_property: Callable[[str, object], None]) -> Callable[[str, str, str], None]:
    """``shows(peer, column, said)``: a cell of the table in docs/cameras.md, which this test then stands for.

    Called first, so that a failure is known by its cell; called again, it says more.
    """
    return lambda peer, column, said: record_property("camera", f"{peer}|{column}|{said}")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real images; only for tests marked ``realdata``."""
    return SHARED


@pytest.fixture(scope="session")
def repo() -> Path:
    """The checkout."""
    return Path(__file__).resolve().parents[1]
