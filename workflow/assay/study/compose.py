"""From files to one document: imports below the study, a variant above it."""

from __future__ import annotations

from pathlib import Path

from assay.study.errors import ConfigError, Problem, nearest
from assay.study.merge import merge
from assay.study.yaml import Mapping, Sequence, read


def compose(path: Path, variant: str | None) -> Mapping:
    """The study in `path` laid over its imports, and under the chosen variant.

    Raises:
        ConfigError: a file that cannot be read, imports that go round in a circle, no such variant.
    """
    document = _with_imports(path, str(path), ())
    variants = document.get("variants")
    if variant is None:
        return document
    if not isinstance(variants, Mapping) or variant not in variants:
        names = list(variants) if isinstance(variants, Mapping) else []
        there = f"there are {', '.join(names)}" if names else "the study declares none"
        raise ConfigError(
            Problem(f"no variant is called {variant!r}; {there}", str(path), None, "variants", nearest(variant, names))
        )
    chosen = variants[variant]
    mark = variants.marks[variant]
    if not isinstance(chosen, Mapping):
        raise ConfigError(Problem("expected a mapping of what the variant changes", *mark, f"variants.{variant}"))
    for key in ("study", "imports", "variants"):
        if key in chosen:
            raise ConfigError(
                Problem(f"a variant cannot change `{key}`", *chosen.marks[key], f"variants.{variant}.{key}")
            )
    merged = merge(document, chosen)
    assert isinstance(merged, Mapping)
    merged.mark = document.mark
    return merged


def files_of(path: Path) -> list[Path]:
    """The file of a study that can be read, and every file that it imports, directly or not."""
    found, open_ = [path], [path]
    while open_:
        at = open_.pop()
        imports = read(at, str(at)).get("imports")
        for item in imports if isinstance(imports, Sequence) else []:
            if at.parent / item not in found:
                found.append(at.parent / item)
                open_.append(at.parent / item)
    return found


def _with_imports(path: Path, name: str, above: tuple[Path, ...]) -> Mapping:
    document = read(path, name)
    imports = document.get("imports")
    if not isinstance(imports, Sequence):
        return document
    base: Mapping | None = None
    for number, (item, mark) in enumerate(zip(imports, imports.marks, strict=True)):
        if not isinstance(item, str):
            continue
        file = path.parent / item
        place = f"imports[{number}]"
        if file.resolve() in (path.resolve(), *above):
            raise ConfigError(Problem(f"imports go round in a circle: {item} is being imported already", *mark, place))
        if not file.is_file():
            near = nearest(item, [other.name for other in path.parent.glob("*.y*ml") if other != path])
            raise ConfigError(Problem(f"there is no file {str(file)!r}", *mark, place, near))
        shared = _with_imports(file, str(file), (path.resolve(), *above))
        base = shared if base is None else merge(base, shared)
    if base is None:
        return document
    whole = merge(base, document)
    assert isinstance(whole, Mapping)
    whole.mark = document.mark
    return whole
