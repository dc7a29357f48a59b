"""What was drawn, as text for a recipe."""

import tomllib

import pytest

from inspector.domain.errors import ConfigError
from inspector.web.drawing import Shape, corners_of, recipe_text

FRAME = (1000, 800)
CORNERS = ((100, 50), (700, 80), (650, 600))


def test_a_zone_and_a_mask_are_polygons_and_a_roi_is_the_rectangle_around() -> None:
    assert tomllib.loads(recipe_text(Shape.ZONE, "seal", CORNERS, FRAME)) == {
        "zones": [{"name": "seal", "polygon_px": [[100, 50], [700, 80], [650, 600]]}]
    }
    assert list(tomllib.loads(recipe_text(Shape.MASK, "print", CORNERS, FRAME))) == ["masks"]
    assert tomllib.loads(recipe_text(Shape.ROI, "", CORNERS, FRAME)) == {"roi": {"rect_px": [100, 50, 600, 550]}}


@pytest.mark.parametrize(
    ("name", "corners", "says"),
    [
        ("a b", CORNERS, "letters, digits"),
        ("", CORNERS, "letters, digits"),
        ('x"\n[score]', CORNERS, "letters, digits"),
        ("seal", ((0, 0), (500, 0), (1001, 5)), "not on the frame"),
        ("seal", ((0, 0), (500, 500), (600, 600)), "on one line"),
        ("seal", ((5, 5), (5, 5), (5, 5)), "on one line"),
    ],
)
def test_what_is_no_area_of_the_frame_is_refused(name: str, corners: tuple[tuple[int, int], ...], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        recipe_text(Shape.ZONE, name, corners, FRAME)


@pytest.mark.parametrize("text", ["", "1,2", "1,2 3,4", "1,2 3,4 5", "a,b c,d e,f", "1,2,3 4,5 6,7", "1,1 " * 101])
def test_what_is_no_list_of_corners_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="right"):
        corners_of(text)


def test_corners_are_read() -> None:
    assert corners_of(" 1,2  3,4 5,6 ") == ((1, 2), (3, 4), (5, 6))
