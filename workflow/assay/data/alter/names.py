"""Class names as options of methods write them."""

from __future__ import annotations

from collections.abc import Sequence

from assay.errors import MethodError
from assay.study.errors import nearest


def number_of(name: object, classes: Sequence[str], key: str) -> int:
    """The number of the class called `name`; `key` says where it was written.

    Raises:
        MethodError: there is no such class.
    """
    if str(name) in classes:
        return list(classes).index(str(name))
    guess = nearest(str(name), classes)
    raise MethodError(
        f"{key}: there is no class {str(name)!r}; there are {', '.join(classes)}"
        + (f"; did you mean {guess!r}?" if guess else "")
    )
