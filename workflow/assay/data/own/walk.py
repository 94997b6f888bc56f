"""The files below a folder, for its source and for the plan alike: in one order everywhere, and never without end."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass, field
from typing import NamedTuple

from assay.errors import MethodError

#: What desktops leave behind.
_DROPPINGS = ("Thumbs.db", "desktop.ini")


#: What is wrong with one file, where other errors tell of a disk or a machine that gives out.
OF_THE_FILE = (
    errno.ENOENT, errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EINVAL,
)  # fmt: skip


class UnreadableError(MethodError):
    """A folder or file of the user's that cannot be read."""


class File(NamedTuple):
    """One file: its path from the root (with `/`), bytes and time; -1 and 0 for a link that leads nowhere."""

    name: str
    size: int
    mtime_ns: int


@dataclass
class Tree:
    """What lies below a folder, sorted by name.

    Attributes:
        files: all but hidden ones.
        folders: paths from the root, those reached through links included.
        hidden: files and folders left out, since their name begins with a dot or is one that desktops leave behind.
        repeated: links (and what lies below them) left out, since they lead to a folder that is listed already.
    """

    files: list[File] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)


def tree(root: str) -> Tree:
    """List a folder with all below it.

    Each folder is entered once, whatever links lead to it: real folders first, then links in the order of their names.
    So a circle of links ends, and no image counts twice.

    Raises:
        UnreadableError: a folder that cannot be listed.
    """
    found = Tree()
    real = os.path.realpath(root)
    seen = {real}
    links: list[tuple[str, str]] = []
    _enter(root, "", real, seen, found, links)
    while links:
        name, path = links.pop(0)
        real = os.path.realpath(path)
        if real in seen:
            found.repeated.append(name)
            continue
        seen.add(real)
        found.folders.append(name)
        _enter(path, f"{name}/", real, seen, found, links)
        links.sort()
    for names in (found.files, found.folders, found.hidden, found.repeated):
        names.sort()
    return found


def _enter(start: str, prefix: str, real: str, seen: set[str], found: Tree, links: list[tuple[str, str]]) -> None:
    """List a real folder and the real folders below it; links to folders are put aside."""
    open_ = [(start, prefix, real)]
    while open_:
        folder, prefix, real = open_.pop()
        try:
            with os.scandir(folder) as entries:
                listed = list(entries)
        except OSError as error:
            raise UnreadableError(f"the folder {folder!r} cannot be read: {error.strerror}") from None
        for entry in listed:
            name = prefix + entry.name
            if entry.name.startswith(".") or entry.name in _DROPPINGS:
                found.hidden.append(name)
            elif entry.is_dir(follow_symlinks=False):
                below = f"{real}/{entry.name}"
                if below in seen:
                    found.repeated.append(name)
                else:
                    seen.add(below)
                    found.folders.append(name)
                    open_.append((entry.path, f"{name}/", below))
            else:
                about = _about(entry)
                if about is not None and entry.is_symlink() and stat.S_ISDIR(about.st_mode):
                    links.append((name, entry.path))
                elif about is None:
                    found.files.append(File(name, -1, 0))
                else:
                    found.files.append(File(name, about.st_size, about.st_mtime_ns))
    links.sort()


def _about(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat()
    except OSError:
        return None


def stated(names: list[str], folder: str) -> list[File]:
    """The files of the given names, from a folder; -1 and 0 where there is none."""
    found = []
    for name in names:
        try:
            about = os.stat(os.path.join(folder, name))
            found.append(File(name, about.st_size, about.st_mtime_ns))
        except (OSError, ValueError):
            found.append(File(name, -1, 0))
    return found
