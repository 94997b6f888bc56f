"""Tables, citations and methods paragraph that lie beside the report."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from assay.report.compare import Column
from assay.report.material import Material
from assay.report.paper import files
from assay.report.paper.bibliography import entries, of_card, parse, write_bib
from assay.report.paper.csv_table import write_csv
from assay.report.paper.grid import Grid
from assay.report.paper.tex_table import escape, write_tex
from assay.run.results import Results
from assay.study.registry import KINDS, Metric, Registry

ACCURACY = Metric("share of right ones", better="higher", low=0, high=1)


@pytest.fixture
def material(study_folder: Path, registry: Registry) -> Material:
    return Material(Results(study_folder), registry)


def grid(*rows: list[float], metric: Metric = ACCURACY) -> Grid:
    arms = ["base_line", "better", "worst"][: len(rows)]
    values = {arm: dict(enumerate(row)) for arm, row in zip(arms, rows, strict=True) if row}
    seeds = list(range(max(map(len, rows))))
    return Grid("accuracy", arms, [Column("accuracy", {}, metric, values)], seeds)


#: Differences that a two-sided paired t test tells from 0 beyond any doubt, and seeds enough to say so.
LOW = [0.500, 0.512, 0.489, 0.503, 0.497, 0.508, 0.492, 0.501]
HIGH = [one + 0.1 + 0.001 * place for place, one in enumerate(LOW)]


# -- tables --------------------------------------------------------------------------------------------------


def test_the_csv_holds_means_intervals_seeds_and_the_detectable_difference() -> None:
    (base, better, least) = csv.DictReader(io.StringIO(write_csv(grid([0.0, 2.0], [5.0, 5.5]))))
    # t(0.975, 1) = 12.7062 and the standard error of (0, 2) is 1.
    assert float(base["accuracy"]) == 1.0
    assert float(base["accuracy low"]) == pytest.approx(1 - 12.7062, abs=1e-4)
    assert base["accuracy interval"] == "t"
    assert base["accuracy seeds"] == "2"
    assert base["accuracy best"] == better["accuracy best"] == ""
    assert least["arm"] == "detectable"
    assert float(least["accuracy"]) > 0


def test_the_best_is_bold_only_where_the_difference_is_beyond_doubt() -> None:
    assert r"\textbf{0.604}" in write_tex(grid(LOW, HIGH), "s")
    close = [one + (0.02 if place % 2 else -0.018) for place, one in enumerate(LOW)]
    assert r"\textbf" not in write_tex(grid(LOW, close), "s")
    # Not better than every other arm: the third differs by nothing but noise.
    assert r"\textbf" not in write_tex(grid(LOW, HIGH, [one + 0.003 for one in HIGH[1:]] + [HIGH[0]]), "s")
    assert r"\textbf" not in write_tex(grid(LOW, HIGH, metric=Metric("", better="")), "s")


def test_the_tex_is_a_booktabs_table_with_the_detectable_difference_last() -> None:
    text = write_tex(grid(LOW, HIGH, []), "my_study")
    rows = [line.strip() for line in text.splitlines() if line.strip().endswith(r"\\")]
    assert rows[0] == r"Arm & accuracy $\uparrow$ \\"
    assert rows[1].startswith(r"base\_line & 0.500 $\pm$ 0.0")
    assert rows[3] == r"worst & -- \\"
    assert rows[4].startswith("Detectable & 0.0")
    assert text.index(r"\toprule") < text.index(r"\midrule") < text.index(r"\bottomrule")
    assert "worst: 0 of 8 seeds" in text
    assert text.count("{") == text.count("}")


def test_ten_seeds_name_the_bootstrap_and_write_both_ends() -> None:
    text = write_tex(grid([*LOW, 0.505, 0.7]), "s")
    assert "BCa bootstrap" in text
    assert re.search(r"0\.521 \[0\.\d{3}, 0\.\d{3}\]", text)


def test_names_are_set_as_they_are_whatever_they_hold() -> None:
    assert escape("a_b & 50% #1 {x} $y ~ ^ \\") == (
        r"a\_b \& 50\% \#1 \{x\} \$y \textasciitilde{} \textasciicircum{} \textbackslash{}"
    )


# -- citations -----------------------------------------------------------------------------------------------


def test_a_paper_is_read_off_its_card() -> None:
    (one,) = parse("He et al. 2015, arXiv:1512.03385, section 4.2")
    assert one.written() == (
        "@misc{he-1512.03385,\n  author = {{He} and others},\n  year = {2015},\n  eprint = {1512.03385},\n"
        "  archiveprefix = {arXiv},\n}\n"
    )
    (one,) = parse("Brier 1950, doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2")
    assert one.doi == "10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2"
    (one,) = parse("Cohen, Afshar, Tapson and van Schaik (2017), EMNIST, arXiv:1702.05373")
    assert (one.authors, one.others, one.title) == (("Cohen", "Afshar", "Tapson", "van Schaik"), False, "EMNIST")
    both = parse("l1, l2: Li et al. 2017, arXiv:1608.08710; taylor: Molchanov et al. 2019, arXiv:1906.10771, eq. 8")
    assert [(one.key, one.note) for one in both] == [("li-1608.08710", ""), ("molchanov-1906.10771", "")]
    (one,) = parse("Sutskever et al. 2013, ICML")
    assert (one.title, one.note) == ("", "ICML")


def test_a_sets_paper_is_one_entry_with_title_and_place() -> None:
    cited = ["Krizhevsky 2009, https://example.org/tr.pdf", "Krizhevsky (2009), Learning Multiple Layers of Features"]
    (one,) = of_card(cited)
    assert (one.title, one.url) == ("Learning Multiple Layers of Features", "https://example.org/tr.pdf")
    assert one.key == parse(cited[0])[0].key
    two = ["Han et al. 2015, arXiv:1506.02626", "Han et al. 2015, arXiv:1510.00149"]
    assert len(of_card(two)) == 2


def test_keys_do_not_depend_on_what_else_is_cited() -> None:
    alone = entries([["Jordan 2024, arXiv:2404.00498, listing 4"]])
    among = entries([["Jordan et al. 2024, kellerjordan.github.io/posts/muon"], ["Jordan 2024, arXiv:2404.00498"]])
    assert alone[0].key in [one.key for one in among]
    assert len({one.key for one in among}) == 2


def test_every_paper_of_every_card_is_understood(registry: Registry) -> None:
    cards = [registry.card(kind, name) for kind in KINDS for name in registry.names(kind)]
    missed = [part for card in cards for part in card.paper.split("; ") if part and not parse(part)]
    assert [part for part in missed if re.search(r"arXiv:|doi:|\b(19|20)\d\d\b", part)] == []


# -- what lies beside the report -----------------------------------------------------------------------------


def test_all_files_are_written_and_linked(study_folder: Path, material: Material) -> None:
    page = (study_folder / "report.html").read_text(encoding="utf-8")
    names = files.names(material)
    assert {"tables/accuracy.csv", "tables/ood.tex", "methods.md", "methods.bib"} <= set(names)
    for name in names:
        assert (study_folder / name).read_text(encoding="utf-8"), name
        assert f'href="{name}"' in page, name


def test_the_methods_name_what_was_run(study_folder: Path) -> None:
    text = (study_folder / "methods.md").read_text(encoding="utf-8")
    assert "`rare` is derived from `digits`. Images: 323 train, 216 val, 288 test, 354 hold-out; 8 × 8 pixels" in text
    assert "imbalance: exponential (ratio 20)" in text
    assert "`baseline`: dataset rare; model resnet8 (width 16, shortcut A) [@he-1512.03385]" in text
    assert "recipe sgd (epochs 30, batch 64, lr 0.1" in text
    assert "`oversample` differs from `baseline` in: rebalance oversample [" in text
    assert "`student` differs from `baseline` in: model tiny-cnn (width 16); distill kd (temperature 4, " in text
    assert "the same 3 seeds (0, 1, 2); a seed changes init, order, augment." in text
    assert "3 trials failed: `diverged`." in text
    assert "Student's t intervals" in text
    assert "torch 2.11.0 or 2.10.0" in text


def test_every_citation_of_the_methods_stands_in_the_bibliography(study_folder: Path) -> None:
    cited = set(re.findall(r"@([\w.-]+\w)", (study_folder / "methods.md").read_text(encoding="utf-8")))
    bibliography = (study_folder / "methods.bib").read_text(encoding="utf-8")
    known = re.findall(r"@misc\{([^,]+),", bibliography)
    assert len(cited) > 10
    assert cited <= set(known)
    assert len(known) == len(set(known))
    assert bibliography.count("{") == bibliography.count("}")


def test_a_study_of_which_nothing_ran_has_its_methods(planned_folder: Path, registry: Registry) -> None:
    planned = Material(Results(planned_folder), registry)
    files.write(planned)
    assert "Nothing was run yet." in (planned_folder / "methods.md").read_text(encoding="utf-8")
    assert not (planned_folder / "tables").exists()


def test_a_table_of_a_family_that_is_gone_is_removed(study_folder: Path, material: Material) -> None:
    old = study_folder / "tables" / "gone.csv"
    old.write_text("arm\n", encoding="utf-8")
    files.write(material)
    assert not old.exists()
    assert (study_folder / "tables" / "accuracy.csv").exists()
    assert write_bib([]) == ""
