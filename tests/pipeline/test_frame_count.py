"""A camera's frames are numbered by its own ids, over wraps, torn frames and reopenings."""

from inspector.domain.frame import SHORT_IDS
from inspector.pipeline.frame_count import FrameCount


def numbers(*ids: int | None, session: int = 1) -> tuple[list[int], FrameCount]:
    count = FrameCount()
    return [count.move_on(one, session=session) for one in ids], count


def test_what_the_camera_skipped_is_counted_also_over_the_wrap() -> None:
    ahead, count = numbers(SHORT_IDS - 1, SHORT_IDS, 1, 4)
    assert (ahead, count.number, count.last_id) == ([1, 1, 1, 3], 6, 4)


def test_a_torn_frame_without_its_id_takes_the_place_after_the_one_before() -> None:
    ahead, count = numbers(SHORT_IDS, None, 2)
    assert (ahead, count.number) == ([1, 1, 1], 3)


def test_ids_that_go_back_began_anew_and_a_new_opening_may_begin_anywhere() -> None:
    ahead, count = numbers(40_000, 39_990)
    assert (ahead, count.number) == ([1, 0], 1)
    assert count.move_on(7, session=2) == 1
    assert count.number == 2
