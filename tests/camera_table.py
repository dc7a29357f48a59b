"""Fill the table of cameras and faults in docs/cameras.md from a run of the tests: `make camera-table`.

A cell holds what its test recorded, "FAILED" where that test failed, "not run" where it was skipped or left out, and
why a peer cannot show a thing at all.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

BEGIN, END = "<!-- camera-table -->", "<!-- /camera-table -->"
COLUMNS = {
    "fps": "fps at its size",
    "software": "software trigger",
    "lost": "lost",
    "hung": "hung",
    "packets": "packet loss",
    "bad": "bad frame",
}
ARAVIS = "`aravis` · arv-fake-gv-camera"
VIVA = "`aravis` · viva-genicam's fake"
PYLON = "`pylon` · its emulator"
GENTL = "`gentl` · viky.cti"
RTSP = "`opencv` · gst-rtsp-server"
DICOM = "`folder` · DICOM files"
PEERS = (ARAVIS, VIVA, PYLON, GENTL, RTSP, DICOM)
CANNOT: Mapping[tuple[str, str], str] = {
    (ARAVIS, "bad"): "as packet loss: it tears no frame otherwise",
    (VIVA, "hung"): "peer cannot: it lives in the test's own process",
    (VIVA, "bad"): "as packet loss: it tears no frame otherwise",
    (PYLON, "hung"): "peer cannot: it lives in the test's own process",
    (PYLON, "packets"): "peer cannot: it has no network",
    (GENTL, "software"): "peer cannot: it has no trigger",
    (GENTL, "hung"): "peer cannot: it lives in the test's own process",
    (GENTL, "packets"): "peer cannot: it has no network",
    (GENTL, "bad"): "peer cannot: its frames are always whole",
    (RTSP, "software"): "peer cannot: a stream has no trigger",
    (RTSP, "packets"): "peer cannot: TCP repeats them",
    (RTSP, "bad"): "peer cannot: the decoder gives whole frames or none",
    (DICOM, "fps"): "as fast as files are read",
    (DICOM, "software"): "peer cannot: files come when they come",
    (DICOM, "lost"): "a folder that vanished, in the tests of `folder`",
    (DICOM, "hung"): "peer cannot: a file has no process",
    (DICOM, "packets"): "peer cannot: it has no network",
}
PROPERTY = "camera"


def cells(report: Path) -> dict[tuple[str, str], str]:
    """What each test of a run recorded at last, by peer and column; of several tests the first one's."""
    found: dict[tuple[str, str], str] = {}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - our own file
        failed = case.find("failure") is not None or case.find("error") is not None
        told = [str(one.get("value")).split("|", 2) for one in case.iter("property") if one.get("name") == PROPERTY]
        for (peer, column), said in {(peer, column): said for peer, column, said in told}.items():
            found[peer, column] = "FAILED" if failed else found.get((peer, column), said)
    return found


def table(found: Mapping[tuple[str, str], str]) -> str:
    """The table in Markdown."""
    lines = [f"| camera and peer | {' | '.join(COLUMNS.values())} |", "|---" * (len(COLUMNS) + 1) + "|"]
    for peer in PEERS:
        row = [found.get((peer, column)) or CANNOT.get((peer, column), "not run") for column in COLUMNS]
        lines.append(f"| {peer} | {' | '.join(row)} |")
    return "\n".join(lines)


def fill(page: str, content: str) -> str:
    """The page with the table between its marks."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{content}\n{END}{after}"


if __name__ == "__main__":
    report, document = Path(sys.argv[1]), Path(sys.argv[2])
    document.write_text(fill(document.read_text(encoding="utf-8"), table(cells(report))), encoding="utf-8")
    print(table(cells(report)))
