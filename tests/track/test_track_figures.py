"""Figures reach MLflow as pictures."""

import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from assay.figures import alone
from assay.track.audit import audit
from assay.track.publish import publish
from PIL import Image
from results_tree import Server, Tree

SVG = "{http://www.w3.org/2000/svg}"
CURVES = {"figures/curves/train/loss.svg", "figures/curves/train/val_accuracy.svg"}
JUDGED = {
    "figures/confusion.svg",
    "figures/recall.svg",
    "figures/roc/glyphs.svg",
    "figures/scores/msp.svg",
    "figures/scores/energy.svg",
}


def pictures(server: Server, **tags: str) -> set[str]:
    found = server.artifacts(server.run(**tags))
    return {name for name in found if name.startswith("figures/")}


def test_a_trial_holds_what_its_evaluations_and_trainings_draw(tree: Tree, server: Server):
    tree.write().finish()
    publish(tree.folder, final=True)
    expected = {*CURVES, *JUDGED, "figures/augmented.png"}
    assert pictures(server, kind="trial", arm="baseline", seed="0") == expected
    compressed = {name.replace("train", "compress") for name in CURVES}
    assert pictures(server, kind="trial", arm="pruned", seed="1") == expected | compressed
    run = server.run(kind="trial", arm="baseline", seed="0")
    drawn = ET.fromstring(server.text(run, "figures/confusion.svg"))
    assert drawn.findtext(f"{SVG}title") == "confusion · baseline/seed-0"
    assert [one.text for one in drawn.iter(f"{SVG}text") if (one.text or "").isdigit()] == ["75", "25", "100"]


def test_augmented_images_stand_below_the_real_ones(tree: Tree, server: Server):
    tree.write().finish()
    publish(tree.folder, final=True)
    run = server.run(kind="trial", arm="baseline", seed="0")
    folder = tree.root / tree.plan.jobs[tree.train_digest("baseline", 0)].folder
    with np.load(folder / "samples.npz") as archive:
        real, altered = archive["real"], archive["altered"]
    path = server.client.download_artifacts(run.info.run_id, "figures/augmented.png")
    shown = np.asarray(Image.open(path))
    # Eight images in a row, each pixel enlarged seven times, with gaps of four.
    assert shown.shape == (4 * 56 + 3 * 4, 8 * 56 + 7 * 4, 4)
    assert (shown[:56:7, 60 : 60 + 56 : 7, 0] == real[1, :, :, 0]).all()
    assert (shown[60 : 60 + 56 : 7, 60 : 60 + 56 : 7, 0] == altered[1, :, :, 0]).all()


def test_a_dataset_holds_its_contact_sheet_and_a_generator_its_curves(tree: Tree, server: Server):
    tree.arms = ["synthetic"]
    tree.write().finish()
    publish(tree.folder, final=True)
    assert "data/sheet.png" in server.artifacts(server.run(kind="dataset", arm="digits-rare"))
    assert "synthetic/sheet.png" in server.artifacts(server.run(kind="trial", arm="synthetic", seed="0"))
    assert pictures(server, kind="generator", arm="ddpm") == {name.replace("train", "generator") for name in CURVES}


def test_of_a_private_dataset_curves_alone_are_drawn(tree: Tree, server: Server):
    tree.private = True
    tree.write().finish()
    publish(tree.folder, final=True)
    assert pictures(server, kind="trial", arm="baseline", seed="0") == CURVES


def test_pictures_are_sent_where_files_are_referred_to(tree: Tree, server: Server):
    tree.track = {"artifacts": "refer", "copy-below": "50M"}
    tree.write().finish()
    publish(tree.folder, final=True)
    assert pictures(server, kind="trial", arm="baseline", seed="0") >= {*CURVES, *JUDGED}
    assert "evaluate/accuracy/figures.json" not in server.artifacts(server.run(kind="trial", arm="baseline", seed="0"))


def test_they_are_drawn_once_when_all_is_there_and_again_when_something_is_added(
    tree: Tree, server: Server, monkeypatch: pytest.MonkeyPatch
):
    drawn: list[str] = []
    original = alone.alone
    monkeypatch.setattr(alone, "alone", lambda drawing, title: drawn.append(title) or original(drawing, title))
    tree.arms = ["baseline"]
    tree.seeds = [0]
    tree.write()
    for path in tree.plan.records:
        if not path.endswith("/ood"):
            tree.record(path)
    publish(tree.folder, final=False)
    assert drawn == []
    tree.finish()
    publish(tree.folder, final=False)
    assert len(drawn) == len(CURVES | JUDGED)
    publish(tree.folder, final=True)
    assert len(drawn) == len(CURVES | JUDGED)
    assert audit(tree.folder) == []
    tree.detectors = ["msp", "energy", "knn"]
    tree.write().finish()
    assert "baseline/seed-0: artifacts figures are not up to date" in audit(tree.folder)
    publish(tree.folder, final=True)
    assert "figures/scores/knn.svg" in pictures(server, kind="trial", arm="baseline", seed="0")
    assert audit(tree.folder) == []


def test_what_a_failed_trial_came_to_is_drawn(tree: Tree, server: Server):
    tree.write().finish()
    tree.record("baseline/seed-0/ood", "MethodError: no detector can see this")
    publish(tree.folder, final=True)
    assert pictures(server, kind="trial", arm="baseline", seed="0") > CURVES


def test_names_that_no_file_can_bear_are_made_legal(tree: Tree, server: Server):
    tree.arms = ["baseline"]
    tree.write()
    digest = tree.train_digest("baseline", 0)
    tree.grow(digest, [{"step": step, "time": 1.0, "../loss": 1.0 / step} for step in (1, 2)])
    tree.finish()
    publish(tree.folder, final=True)
    (found,) = {one for one in pictures(server, kind="trial", arm="baseline", seed="0") if "curves" in one}
    assert Path(found).parent == Path("figures/curves/train")
