import json
from pathlib import Path

from assay.track.curves import Tail, points
from assay.track.wanted import Curve, Point


def _lines(*steps: int) -> str:
    return "".join(json.dumps({"step": step, "time": 10.0 + step, "loss": 1.0 / step}) + "\n" for step in steps)


def test_a_tail_reads_each_whole_line_once(tmp_path: Path):
    file = tmp_path / "curves.jsonl"
    tail = Tail(file)
    assert tail.read() == []
    file.write_text(_lines(1, 2) + '{"step": 3, "ti')
    assert [line["step"] for line in tail.read()] == [1, 2]
    assert tail.read() == []
    with file.open("a") as handle:
        handle.write('me": 13.0, "loss": 0.5}\n' + _lines(4))
    assert [line["step"] for line in tail.read()] == [3, 4]


def test_a_file_that_was_cut_back_is_read_again(tmp_path: Path):
    file = tmp_path / "curves.jsonl"
    file.write_text(_lines(1, 2, 3))
    tail = Tail(file)
    tail.read()
    file.write_text(_lines(1))
    assert [line["step"] for line in tail.read()] == [1]


def test_points_hold_finite_values_under_the_prefix_with_the_time_in_milliseconds():
    lines = [
        {"step": 5, "time": 1.5, "epoch": 2.0, "loss": 0.25, "text": "x"},
        {"step": 5, "time": 1.75, "loss": 0.5, "bad": float("inf"), "none": None},
    ]
    assert points(Curve("train", Path("x")), lines) == [Point("train/loss", 5, 0.5, 1750)]
