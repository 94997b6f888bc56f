"""Several splits in one."""

from __future__ import annotations

import numpy as np

from assay.data.dataset import Split


def join(splits: list[Split]) -> Split:
    """The images of several splits in one; a group, flag or soft label that one of them lacks is left out."""
    flags = set.intersection(*(set(split.flags) for split in splits))
    groups = [split.groups for split in splits if split.groups is not None]
    soft = [split.soft for split in splits if split.soft is not None]
    return Split(
        np.concatenate([split.images for split in splits]),
        np.concatenate([split.labels for split in splits]),
        np.concatenate([split.ids for split in splits]),
        np.concatenate([split.original for split in splits]),
        np.concatenate(groups) if len(groups) == len(splits) else None,
        {name: np.concatenate([split.flags[name] for split in splits]) for name in sorted(flags)},
        np.concatenate(soft) if len(soft) == len(splits) else None,
    )
