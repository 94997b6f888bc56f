"""The files for a paper that lie beside `report.html`."""

from __future__ import annotations

from assay.report.material import Material
from assay.report.paper.bibliography import entries, write_bib
from assay.report.paper.csv_table import write_csv
from assay.report.paper.grid import grids
from assay.report.paper.methods import cited, write_methods
from assay.report.paper.tex_table import write_tex
from assay.run.files import write_text

BIBLIOGRAPHY, METHODS, TABLES = "methods.bib", "methods.md", "tables"


def names(material: Material) -> list[str]:
    """The files' paths below the study's folder."""
    tables = [f"{TABLES}/{grid.family}.{kind}" for grid in grids(material) for kind in ("csv", "tex")]
    return [*tables, METHODS, BIBLIOGRAPHY]


def write(material: Material) -> None:
    """Write them all, and remove tables of families that the study no longer evaluates."""
    folder = material.results.folder
    study = material.study["study"]
    made = {
        METHODS: write_methods(material),
        BIBLIOGRAPHY: write_bib(entries(cited(material))),
    }
    for grid in grids(material):
        made[f"{TABLES}/{grid.family}.csv"] = write_csv(grid)
        made[f"{TABLES}/{grid.family}.tex"] = write_tex(grid, study)
    for name, text in made.items():
        write_text(folder / name, text)
    kept = {folder / name for name in made}
    for file in sorted((folder / TABLES).glob("*.csv")) + sorted((folder / TABLES).glob("*.tex")):
        if file not in kept:
            file.unlink()
