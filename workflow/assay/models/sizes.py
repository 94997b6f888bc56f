"""What an architecture asks of the size of images."""

from __future__ import annotations

from assay.errors import MethodError


def at_least(name: str, size: int, smallest: int) -> None:
    """Refuse images that shrink to nothing on the way.

    Raises:
        MethodError: `size` is below `smallest`, both in pixels a side.
    """
    if size < smallest:
        raise MethodError(f"{name} needs images of at least {smallest} x {smallest} pixels, these have {size} x {size}")


def tokens(name: str, size: int, patch: int) -> int:
    """How many patches of `patch` pixels a side tile an image.

    Raises:
        MethodError: they do not tile it.
    """
    if size % patch:
        fits = ", ".join(str(side) for side in range(1, size + 1) if size % side == 0)
        raise MethodError(f"{name}: patches of {patch} do not tile {size} x {size} pixels; patch can be {fits}")
    return (size // patch) ** 2
