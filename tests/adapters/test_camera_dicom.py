"""Industrial X-ray: DICOM files of a folder, through a window, frame by frame."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inspector.adapters.camera_folder import PLUGIN, CameraFolderSettings
from inspector.domain.errors import DeviceError, FrameError
from inspector.domain.frame import PixelFormat
from inspector.ports.camera import Camera
from inspector.ports.plugin import Context
from tests.camera_peers import HEIGHT, WIDTH, buffer_for
from tests.camera_table import DICOM

pytestmark = [pytest.mark.camera, pytest.mark.peer("dicom")]
CONTEXT = Context(station="s", data_dir="", run_dir="")
Levels = np.ndarray[Any, np.dtype[Any]]


def write(path: Path, levels: Levels, *, bits: int = 16, kind: str = "MONOCHROME2", **further: object) -> None:
    """A DX-like file, uncompressed; levels of shape (height, width) or (frames, height, width)."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

    told = Dataset()
    told.file_meta = FileMetaDataset()
    told.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    told.SOPClassUID = told.file_meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    told.SOPInstanceUID = told.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    told.Rows, told.Columns = levels.shape[-2:]
    if levels.ndim == 3:
        told.NumberOfFrames = levels.shape[0]
    told.SamplesPerPixel = 1
    told.PhotometricInterpretation = kind
    told.BitsAllocated = levels.dtype.itemsize * 8
    told.BitsStored, told.HighBit = bits, bits - 1
    told.PixelRepresentation = int(levels.dtype.kind == "i")
    for name, value in further.items():
        setattr(told, name, value)
    told.PixelData = levels.tobytes()
    told.save_as(path, enforce_file_format=True)


def ramp(count: int = 4096, dtype: type = np.uint16) -> Levels:
    return np.arange(count, dtype=dtype).reshape(64, -1)


def seen(folder: Path, **wanted: object) -> Levels:
    with PLUGIN.open(CameraFolderSettings(path=folder, **wanted), CONTEXT) as camera:
        into = buffer_for(camera.describe())
        return np.array(camera.grab(into, 1.0).pixels)


def test_sixteen_bits_without_a_window_become_eight(tmp_path: Path) -> None:
    write(tmp_path / "a.dcm", ramp(), bits=12)
    assert (seen(tmp_path) == np.rint(ramp() / 4095 * 255)).all()


def test_the_files_own_window_is_the_one_of_the_standard(tmp_path: Path) -> None:
    from pydicom.pixels import apply_windowing, pixel_array

    path = tmp_path / "a.dcm"
    write(path, ramp(), bits=12, WindowCenter=1000, WindowWidth=500, RescaleSlope=2, RescaleIntercept=-1000)
    import pydicom

    told = pydicom.dcmread(path)
    from pydicom.pixels import apply_modality_lut

    low_high = np.asarray(apply_windowing(apply_modality_lut(pixel_array(path), told), told), np.float64)
    standard = (low_high - low_high.min()) / (low_high.max() - low_high.min()) * 255
    assert np.abs(seen(tmp_path).astype(float) - standard).max() <= 1.0


def test_a_window_of_the_settings_goes_before_the_files_own(tmp_path: Path) -> None:
    write(tmp_path / "a.dcm", ramp(), bits=12, WindowCenter=1, WindowWidth=2)
    pixels = seen(tmp_path, window=(1000.0, 2000.0))
    assert (pixels[ramp() <= 1000] == 0).all()
    assert (pixels[ramp() >= 2000] == 255).all()
    assert pixels.ravel()[1500] == 128


def test_where_bright_is_zero_it_is_turned_round(tmp_path: Path) -> None:
    write(tmp_path / "a.dcm", ramp(), bits=12, kind="MONOCHROME1")
    assert (seen(tmp_path) == np.rint((1 - ramp() / 4095) * 255)).all()


def test_values_with_a_sign_are_read_with_it(tmp_path: Path) -> None:
    levels = np.arange(-2048, 2048, dtype=np.int16).reshape(64, 64)
    write(tmp_path / "a.dcm", levels, bits=16)
    pixels = seen(tmp_path, window=(-1000.0, 1000.0))
    assert pixels[levels == -1000] == 0
    assert pixels[levels == 0] == 128
    assert pixels[levels == 1000] == 255
    with pytest.raises(FrameError, match="have a sign"):
        seen(tmp_path, pixel_format="Mono16", width=64, height=64)


def test_bits_above_the_stored_ones_are_not_taken_for_light(tmp_path: Path) -> None:
    write(tmp_path / "a.dcm", ramp() | np.uint16(0xA000), bits=12)
    assert (seen(tmp_path) == np.rint(ramp() / 4095 * 255)).all()


def test_as_sixteen_bits_the_stored_values_come_bit_for_bit_at_twelve_megapixels(tmp_path: Path) -> None:
    levels = np.random.default_rng(3).integers(0, 1 << 14, (HEIGHT, WIDTH), np.uint16)
    write(tmp_path / "a.dcm", levels, bits=14)
    assert (seen(tmp_path, pixel_format="Mono16") == levels).all()


def test_the_frames_of_one_file_come_one_by_one_and_the_file_is_moved_after_the_last(tmp_path: Path) -> None:
    write(tmp_path / "a.dcm", np.stack([np.full((64, 64), 1000 * n, np.uint16) for n in (1, 2, 3)]), bits=12)
    write(tmp_path / "b.dcm", np.full((64, 64), 4000, np.uint16), bits=12)
    with PLUGIN.open(CameraFolderSettings(path=tmp_path, move_done="done"), CONTEXT) as camera:
        into = buffer_for(camera.describe())
        captures = [(c.source.rpartition("/")[2], int(c.pixels[0, 0])) for c in (_grab(camera, into) for _ in range(3))]
        assert captures == [("a.dcm#1", 62), ("a.dcm#2", 125), ("a.dcm#3", 187)]
        assert (tmp_path / "a.dcm").exists()
        assert camera.grab(into, 1.0).source.endswith("b.dcm")
        assert (tmp_path / "done" / "a.dcm").exists()
        with pytest.raises(DeviceError, match="folder read"):
            camera.grab(into, 1.0)


def _grab(camera: Camera, into: Levels) -> Any:
    return camera.grab(into, 1.0)


@pytest.mark.parametrize("kept", [0, 100, 400, 6000])
def test_a_file_that_is_cut_short_is_one_failed_grab(
    tmp_path: Path, kept: int, shows: Callable[[str, str, str], None]
) -> None:
    shows(DICOM, "bad", "cut short: one failed grab each")
    write(tmp_path / "a.dcm", ramp(), bits=12)
    write(tmp_path / "b.dcm", ramp(), bits=12)
    (tmp_path / "a.dcm").write_bytes((tmp_path / "a.dcm").read_bytes()[:kept])
    with PLUGIN.open(CameraFolderSettings(path=tmp_path), CONTEXT) as camera:
        into = buffer_for(camera.describe())
        with pytest.raises(FrameError, match=r"a\.dcm: (is damaged or no DICOM image|cannot be decoded)"):
            camera.grab(into, 1.0)
        assert camera.grab(into, 1.0).source.endswith("b.dcm")


@pytest.mark.parametrize(
    ("name", "size", "pixel_format"),
    [
        ("CT_small.dcm", (128, 128), PixelFormat.MONO8),
        ("MR_small_RLE.dcm", (64, 64), PixelFormat.MONO8),
        ("examples_overlay.dcm", (300, 484), PixelFormat.MONO8),
        ("SC_rgb_small_odd.dcm", (3, 3), PixelFormat.BGR8),
    ],
)
def test_files_that_others_wrote_are_read(
    tmp_path: Path, name: str, size: tuple[int, int], pixel_format: PixelFormat
) -> None:
    from pydicom.data import get_testdata_file

    (tmp_path / name).write_bytes(Path(str(get_testdata_file(name, download=False))).read_bytes())
    with PLUGIN.open(CameraFolderSettings(path=tmp_path), CONTEXT) as camera:
        info = camera.describe()
        assert ((info.height, info.width), info.pixel_format) == (size, pixel_format)
        assert camera.grab(buffer_for(info), 1.0).pixels.std() > 0


def test_a_kind_that_nothing_here_can_judge_is_refused_by_name(tmp_path: Path) -> None:
    from pydicom.data import get_testdata_file

    (tmp_path / "dose.dcm").write_bytes(Path(str(get_testdata_file("rtdose.dcm", download=False))).read_bytes())
    with pytest.raises(FrameError, match="at most 16 bits a pixel would be right"):
        seen(tmp_path, pixel_format="Mono8", width=10, height=10)
