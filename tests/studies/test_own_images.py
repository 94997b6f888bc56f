"""A study over a user's own folder of pictures: an image more is noticed, and nothing else is done again."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from project import Project
from sklearn.datasets import load_digits

pytestmark = pytest.mark.study


def config(**source: Any) -> dict[str, Any]:
    """One arm over the folder, and one over the digits that a dependency ships."""
    recipe = {"method": "sgd", "epochs": 1}
    split = {"val": 0.2, "test": 0.2}
    return {
        "study": "own",
        "seeds": 1,
        "datasets": {
            "mine": {"source": {"method": "folder", "path": "pictures", **source}, "split": split},
            "digits": {"source": "digits", "split": split},
        },
        "arms": {
            "mine": {"dataset": "mine", "model": "linear", "recipe": recipe},
            "other": {"dataset": "digits", "model": "linear", "recipe": recipe},
        },
        "evaluate": {"accuracy": {}},
        "track": {"live": False},
    }


def draw(folder: Path) -> None:
    """Write 120 digits as PNG files in a folder for each class."""
    digits = load_digits()
    for number in range(120):
        file = folder / f"pictures/{digits.target[number]}/{number:03d}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((digits.images[number] * 15).astype(np.uint8)).save(file)


def test_an_image_more_runs_its_dataset_and_what_uses_it_again(project: Project) -> None:
    draw(project.folder)
    project.config = config()
    project.write()
    first = project.work("report")
    assert first["data"] == 2
    assert project.record("datasets/mine")["headline"] == {"images": 120, "classes": 10}
    assert "Nothing to be done" in project.run("report")
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("L", (8, 8), 99).save(project.folder / "pictures/3/new.png", exif=turned)
    again = project.work("report")
    # Of two arms one uses the folder, so half of everything is done again.
    assert again == Counter({stage: count // 2 for stage, count in first.items()})
    assert project.record("datasets/mine")["headline"] == {"images": 121, "classes": 10}
    assert project.work("report") == Counter()
    page = (project.results / "own/report.html").read_text()
    assert "turned as the EXIF orientation says" in page
    assert "3/new.png" in page
    log = (project.stored("datasets/mine") / "log.txt").read_text()
    assert "turned as the EXIF orientation says: 1 (3/new.png)" in log


def test_a_private_folder_with_a_damaged_file_fails_without_naming_it(project: Project) -> None:
    draw(project.folder)
    (project.folder / "pictures/3/patient-7.png").write_bytes(b"no picture")
    project.config = config()
    project.config["datasets"]["mine"]["private"] = True
    project.write()
    project.run("report")
    assert "patient-7.png is no picture" in project.record("datasets/mine")["reason"]
    page = (project.results / "own/report.html").read_text()
    assert "patient-7" not in page
    assert "why is told under results/ alone" in page
    assert project.record("other/seed-0/accuracy")["status"] == "done"
    project.config["datasets"]["mine"]["source"]["corrupt"] = "skip"
    project.write()
    project.run("report")
    page = (project.results / "own/report.html").read_text()
    assert "skipped, since they could not be read: 1" in page
    assert "patient-7" not in page
    assert "3/patient-7.png is no picture" in (project.stored("datasets/mine") / "card.json").read_text()
