"""Which code a job runs, as one hash a module.

The modules are found by following imports from where a computation starts, inside the package and a plug-in's own
folder, stopping at what cannot change a result: planning, the engine, tracking, figures and the report. A module's hash
is that of its syntax tree without comments, docstrings, type-only imports and method cards (a card's defaults are part
of the spec already), walked by our own code because `ast.dump` differs between Python versions.
"""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from assay.study.registry import PACKAGE, plugin_module

#: Packages in which nothing decides what a computation returns.
OUTSIDE = ("assay.study", "assay.run", "assay.track", "assay.report", "assay.figures")


class Code:
    """Hashes of modules and of what they import.

    Args:
        plugins: plug-in files; modules beside one are followed when it imports them.
    """

    def __init__(self, plugins: list[Path] | None = None):
        self._plugins = {plugin_module(file): file.resolve() for file in plugins or []}
        self._seen: dict[str, tuple[str, list[str]]] = {}
        self._others: set[str] = set()
        self._closures: dict[tuple[str, ...], dict[str, str]] = {}
        #: Files in the plug-ins' folders that were looked for, there or not.
        self.looked_for: set[Path] = set(self._plugins.values())

    def package(self, name: str) -> str:
        """One hash over all files of a sub-package, page templates and the like included."""
        hashed = hashlib.sha256()
        for file in sorted(PACKAGE.joinpath(name).rglob("*")):
            if file.is_file() and file.suffix != ".pyc":
                text = file.read_text(encoding="utf-8")
                hashed.update(f"{file.name} {source_hash(text) if file.suffix == '.py' else text}\n".encode())
        return hashed.hexdigest()

    def closure(self, modules: list[str]) -> dict[str, str]:
        """Module name to hash for the given modules and everything they import, sorted by name."""
        key = tuple(sorted(modules))
        if key not in self._closures:
            found: dict[str, str] = {}
            open_ = list(modules)
            while open_:
                module = open_.pop()
                if module not in found and module in self._known(module):
                    found[module], imports = self._seen[module]
                    open_ += imports
            self._closures[key] = dict(sorted(found.items()))
        return self._closures[key]

    def _known(self, module: str) -> dict[str, tuple[str, list[str]]]:
        """The modules read so far, among them this one if it counts."""
        if module not in self._seen and module not in self._others:
            file = None if module == "assay" or module.startswith(OUTSIDE) else self._file(module)
            if file is None:
                self._others.add(module)
            else:
                self._read(module, file)
        return self._seen

    def _file(self, module: str) -> Path | None:
        if module in self._plugins:
            return self._plugins[module]
        if module.startswith("assay."):
            stem = PACKAGE.joinpath(*module.split(".")[1:])
            for file in (stem.with_suffix(".py"), stem / "__init__.py"):
                if file.exists():
                    return file
            return None
        for plugin in self._plugins.values():
            stem = plugin.parent.joinpath(*module.split("."))
            for file in (stem.with_suffix(".py"), stem / "__init__.py"):
                self.looked_for.add(file)
                if file.exists():
                    return file
        return None

    def _read(self, module: str, file: Path) -> None:
        tree = _parse(file.read_text(encoding="utf-8"))
        package = module if file.name == "__init__.py" else module.rpartition(".")[0]
        self._seen[module] = (tree_hash(tree), _imports(tree, package))


@cache
def _parse(text: str) -> ast.Module:
    return ast.parse(text)


def source_hash(text: str) -> str:
    """Hash of Python source that comments, docstrings, layout and method cards do not change."""
    return tree_hash(_parse(text))


def tree_hash(tree: ast.Module) -> str:
    """Hash of a syntax tree; equal on every supported Python for equal code."""
    parts: list[str] = []
    _walk(tree, parts)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _walk(node: object, parts: list[str]) -> None:
    if isinstance(node, list):
        parts.append("[")
        for item in node:
            _walk(item, parts)
        parts.append("]")
    elif isinstance(node, ast.AST):
        parts.append(type(node).__name__)
        for name in node._fields:
            value: Any = getattr(node, name, None)
            if name == "body" and isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                value = _without_docstring(value)
            if isinstance(node, ast.JoinedStr):
                # Python 3.11 ends some format specifications with an empty text, 3.12 does not.
                value = [item for item in value if getattr(item, "value", None) != ""]
            if name == "decorator_list":
                value = [item for item in value if not _is_card(item)]
            # Empty fields and those that only say how code was written come and go between Python versions.
            if value is None or value == [] or name in ("ctx", "kind", "type_comment"):
                continue
            parts.append(f".{name}")
            _walk(value, parts)
    else:
        parts.append(f"{type(node).__name__}:{node!r}")


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return body[1:]
    return body


def _is_card(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "method"


def _imports(tree: ast.Module, package: str) -> list[str]:
    found = []
    open_: list[ast.AST] = [tree]
    while open_:
        node = open_.pop()
        if isinstance(node, ast.If) and _is_type_checking(node.test):
            open_ += node.orelse
            continue
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                base = ".".join(parents[: len(parents) - node.level + 1] + ([base] if base else []))
            found.append(base)
            found += [f"{base}.{alias.name}" for alias in node.names]
        open_ += ast.iter_child_nodes(node)
    return found


def _is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", None)
    return name == "TYPE_CHECKING"
