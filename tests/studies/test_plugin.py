"""A user's own file takes part like the package's own methods."""

from __future__ import annotations

from collections import Counter

import pytest
from project import Project

pytestmark = pytest.mark.study

PLUGIN = '''
"""Two methods of a user's own."""
from assay import Option, method
from my_helper import negate


@method("augment", "darken", summary="Scales brightness.", options={"by": Option(0.5, "factor", above=0)})
def darken(images, targets, draw, *, by):
    """Multiply every pixel."""
    return images * by, targets


@method("detector", "norm", summary="Small features are strange.")
class Norm:
    def fit(self, features, logits, labels, head):
        return self

    def score(self, features, logits):
        return negate((features**2).sum(1))
'''


def test_a_plugin_works_and_its_edits_rebuild_its_users_alone(project: Project) -> None:
    folder = project.folder / "mine"
    folder.mkdir()
    (folder / "my_methods.py").write_text(PLUGIN)
    (folder / "my_helper.py").write_text("def negate(x):\n    return -x\n")
    project.config["plugins"] = ["mine/my_methods.py"]
    project.config["arms"] = {
        "baseline": project.config["arms"]["baseline"],
        "dark": {"extends": "baseline", "augment": [{"method": "darken", "by": 0.7}]},
    }
    project.config["evaluate"]["ood"]["detectors"].append("norm")
    project.config |= {"generators": {}, "claims": [{"claim": "Dark", "expect": "dark.accuracy < baseline.accuracy"}]}
    project.write()
    project.run("report")

    import assay

    table = assay.load(project.results / "small").metrics()
    scores = table[(table.metric == "auroc") & (table["keys"].map(lambda keys: keys.get("detector") == "norm"))]
    assert set(scores.arm) == {"baseline", "dark"}
    assert scores.value.between(0, 1).all()
    assert "Small features are strange" in project.assay("methods", "norm", "--plugin", "mine/my_methods.py")
    assert "darken" in project.assay("methods", "--plugin", "mine/my_methods.py")

    (folder / "my_methods.py").write_text(PLUGIN.replace("Multiply every pixel.", "Reworded."))
    assert project.work("report") == Counter()
    # Both methods live in one file, so an edit of it concerns the users of both: the dark arm, and every `norm`.
    (folder / "my_methods.py").write_text(PLUGIN.replace("images * by", "by * images"))
    work = project.work("report")
    assert work["train"] == 2
    assert work["evaluate"] == 2 + 2 * 6
    (folder / "my_helper.py").write_text("def negate(x):\n    return 0 - x\n")
    assert project.work("report")["train"] == 2
