"""What has to be done again after an edit: exactly that, counted from the journal of work."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from project import Project

pytestmark = pytest.mark.study

#: Jobs of one trial with a model of its own: val, test, train, hold-out and noise are predicted; accuracy, two
#: calibrators and two detectors are evaluated.
TRIAL = {"predict": 5, "evaluate": 5}


def add_arm(project: Project) -> None:
    project.config["arms"]["flipped"] = {"extends": "baseline", "augment": ["flip"]}


def add_seed(project: Project) -> None:
    project.config["seeds"] = 3


def add_detector(project: Project) -> None:
    project.config["evaluate"]["ood"]["detectors"].append("knn")


def add_claim(project: Project) -> None:
    project.config["claims"].append({"claim": "Filling helps", "expect": "filled.accuracy > baseline.accuracy"})


def reword_claim(project: Project) -> None:
    project.config["claims"][0]["claim"] = "Moving images about raises accuracy"


def change_rate(project: Project) -> None:
    project.config["arms"]["shifted"]["recipe"] = {"lr": 0.03}


def swap_values(project: Project) -> None:
    # The two values change places: as a set they are the same.
    project.config["arms"]["student"]["distill"] |= {"temperature": 0.5, "alpha": 0.25}


def change_generator(project: Project) -> None:
    project.config["generators"]["smote"]["neighbours"] = 3


def comment_method(project: Project) -> None:
    _edit(project, "augment/translate.py", lambda text: "# A comment.\n" + text + "\n# Another.\n")


def document_method(project: Project) -> None:
    _edit(project, "augment/translate.py", lambda text: text.replace('"""', '"""Reworded. ', 1))


def code_method(project: Project) -> None:
    _edit(project, "augment/translate.py", lambda text: text + "\nUNUSED = 1\n")


def delete_folder(project: Project) -> None:
    shutil.rmtree(project.stored("shifted/seed-0/train"))


def flip_byte(project: Project) -> None:
    file = project.stored("shifted/seed-1/train") / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(bytes(content))


def _edit(project: Project, name: str, change: Callable[[str], str]) -> None:
    file = project.folder / "workflow" / "assay" / name
    file.write_text(change(file.read_text()))


def trials(arms: int, seeds: int = 2, **more: int) -> Counter[str]:
    """The work of some arms whose training changed, with that of `more` stages."""
    counts = {stage: count * arms * seeds for stage, count in TRIAL.items()}
    return Counter({**counts, "train": arms * seeds, "claims": 1, **more})


EDITS: dict[str, tuple[Callable[[Project], None], Counter[str]]] = {
    # The claim reads neither the new arm nor the student nor the filled one, so it stands.
    "add an arm": (add_arm, trials(1, claims=0)),
    "add a seed": (add_seed, trials(5, 1, synthetic=0, compress=1, train=4)),
    "add a detector": (add_detector, Counter(evaluate=5 * 2)),
    "add a claim": (add_claim, Counter(claims=1)),
    "reword a claim's sentence": (reword_claim, Counter()),
    "change one arm's learning rate": (change_rate, trials(1)),
    "swap the values of two options": (swap_values, trials(1, claims=0)),
    "change a generator": (change_generator, trials(1, generator=1, synthetic=1, claims=0)),
    "edit a comment": (comment_method, Counter()),
    "edit a docstring": (document_method, Counter()),
    "edit a line of code": (code_method, trials(1)),
    "delete one folder of the store": (delete_folder, Counter(train=1)),
    "flip one byte of a stored model": (flip_byte, Counter(train=1)),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_does_exactly_its_work(done: Project, edit: str) -> None:
    change, expected = EDITS[edit]
    if edit == "swap the values of two options":
        done.config["arms"]["student"]["distill"] |= {"temperature": 0.25, "alpha": 0.5}
        done.write()
        done.run("report")
    change(done)
    done.write()
    assert done.work("report") == +expected
    assert done.work("report") == Counter(), "a second run does it again"


def test_going_back_computes_nothing(done: Project) -> None:
    before = done.config["arms"]["shifted"]["augment"]
    done.config["arms"]["shifted"]["augment"] = ["flip"]
    done.write()
    assert done.work("report")["train"] == 2
    done.config["arms"]["shifted"]["augment"] = before
    done.write()
    assert done.work("report") == Counter()
    assert "translate" in (done.results / "small" / "report.html").read_text()


def test_a_folder_rebuilt_has_the_same_bytes(done: Project) -> None:
    before = done.contents()
    delete_folder(done)
    done.run("report")
    assert done.contents() == before


def test_nothing_to_do_is_said(done: Project) -> None:
    assert "Nothing to be done" in done.run("report")


def test_the_first_run_did_each_piece_once(finished: Project) -> None:
    digests = [line["digest"] for line in finished.journal()]
    assert len(digests) == len(set(digests))
    # Pruning starts from the baseline's own training, so five arms train four times a seed.
    assert Counter(line["stage"] for line in finished.journal())["train"] == 8
    assert isinstance(finished.folder, Path)
