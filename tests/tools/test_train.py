"""Training can be stopped and gone on with, and ends where it would have ended."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training needs the workshop's torch: pip install inspector[tools]")

from tools.train import Plan, Run, train  # noqa: E402 - after the skip


def _run(steps: int) -> Run:
    plan = Plan(seed=3, minutes=0.0, steps=steps, crops=2, side=64, bank=2, real_share=0.0, init="")
    return Run(plan, None)


def test_a_run_takes_the_steps_it_was_asked_for_and_leaves_a_checkpoint(tmp_path: Path) -> None:
    assert train(_run(3), tmp_path) == 3
    assert (tmp_path / "checkpoint.pt").exists()


def test_a_stopped_run_goes_on_and_does_not_start_again(tmp_path: Path) -> None:
    first = _run(6)
    first.fill_bank(0)
    for _ in range(4):
        first.learn(6)
    first.save(tmp_path / "checkpoint.pt", 6)
    again = _run(6)
    assert train(again, tmp_path) == 6
    whole = _run(6)
    straight_out = tmp_path / "straight"
    straight_out.mkdir()
    train(whole, straight_out)
    for resumed, straight in zip(again.smooth.parameters(), whole.smooth.parameters(), strict=True):
        assert torch.allclose(resumed, straight, atol=1e-4)
