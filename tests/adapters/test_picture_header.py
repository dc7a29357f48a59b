"""The size that a picture file says it has is the size that it is decoded to."""

import cv2
import numpy as np
import pytest

from inspector.adapters.camera_folder.header import size_px

KINDS = [".png", ".jpg", ".bmp", ".tiff"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(40, 70), (40, 70, 3), (1, 1, 3), (3000, 17)])
def test_each_kind_says_its_size(kind: str, shape: tuple[int, ...]) -> None:
    _, file = cv2.imencode(kind, np.full(shape, 90, np.uint8))
    assert size_px(file.tobytes()) == (shape[1], shape[0])


def test_a_progressive_jpeg_says_its_size() -> None:
    _, file = cv2.imencode(".jpg", np.full((40, 70, 3), 90, np.uint8), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])
    assert size_px(file.tobytes()) == (70, 40)


def test_a_thumbnail_is_not_taken_for_the_picture() -> None:
    _, thumbnail = cv2.imencode(".jpg", np.full((8, 8), 90, np.uint8))
    _, whole = cv2.imencode(".jpg", np.full((40, 70), 90, np.uint8))
    inside = b"\xff\xe1" + (2 + thumbnail.size).to_bytes(2, "big") + thumbnail.tobytes()
    assert size_px(whole.tobytes()[:2] + inside + whole.tobytes()[2:]) == (70, 40)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_cut_short_or_something_else_says_nothing(kind: str) -> None:
    _, file = cv2.imencode(kind, np.full((40, 70), 90, np.uint8))
    for length in range(16):
        assert size_px(file.tobytes()[:length]) is None
    for other in (b"", b"GIF89a", b"RIFF0000WEBP", b"no picture", b"\xff\xd8\xff\xe1\xff\xff"):
        assert size_px(other) is None
