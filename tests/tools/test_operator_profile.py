"""The profile names every operator, and counts a convolution's operations right."""

from pathlib import Path

from tools import operator_profile


def _event(name: str, ms: float, operator: str, shape: list[int]) -> dict[str, object]:
    about = {"op_name": operator, "output_type_shape": [{"uint8": shape}]}
    return {"cat": "Node", "name": f"{name}_kernel_time", "dur": ms * 1e3, "args": about}


def test_a_convolution_of_known_size_reaches_what_arithmetic_says() -> None:
    events = [_event("a", ms, "QLinearConv", [1, 100, 100, 16]) for ms in (50.0, 2.0, 2.0)]
    events.append({"cat": "Session", "name": "model_run", "dur": 9e9})
    (step,) = operator_profile.steps(events, 1, {"a": (16, 3, 3, 8)})
    assert step.ms == 2.0
    assert step.output == "1 x 100 x 100 x 16"
    assert step.gops == 11.5  # 160 000 values of 72 products, two operations each, in 2 ms


def test_the_shipped_nets_operators_are_all_there_and_their_sum_is_the_whole(repo: Path) -> None:
    found = operator_profile.profile(repo / "models" / "surface-nano")
    rates = [step["gops"] for step in found["steps"] if step["operator"] == "QLinearConv"]
    assert len(rates) > 10
    assert all(rate > 0 for rate in rates)
    text = "\n".join(operator_profile.table(found))
    assert "| all | |" in text
    assert "others" in text
