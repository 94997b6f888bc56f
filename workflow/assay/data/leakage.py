"""What a dataset's card says of near-duplicates: within splits, across them, and in the dataset it is shaped like."""

from __future__ import annotations

from itertools import combinations_with_replacement
from typing import Any

from assay.data import twins
from assay.data.dataset import Dataset, Split, originals, rank

#: Pairs of ids that are told of each pair of splits.
EXAMPLES = 5


def near_duplicates(splits: dict[str, Split], like: Dataset | None = None) -> dict[str, Any]:
    """Counts and examples of near-duplicates, as `assay.data.twins` defines them, exact ones among them.

    Args:
        splits: of the dataset.
        like: the dataset that this one is shaped like; for an outlier set, what it must not overlap with.

    Returns:
        `searched`: False, with `why`, when there are too many images, or they are so small that different pictures look
        the same; else True with `method` (the definition) and
        `pairs`: `"train/test"` -> `{"images": of test that have a twin in train, "other-label": of these, without a
        twin of the same label, "examples": [[id in train, id in test], ...]}`. For a split with itself an image
        counts when it has a twin before it, copies of one image aside. `"like:train/test"` are twins in the split train
        of `like`, told by the id of the image here alone, and their labels are not compared. Pairs of splits without
        any are left out.
    """
    named = {f"like:{name}": like.splits[name] for name in sorted(like.splits, key=rank)} if like else {}
    named |= {name: splits[name] for name in sorted(splits, key=rank)}
    count = sum(len(split) for split in named.values())
    if count > twins.LIMIT:
        why = f"{count:,} images are more than the {twins.LIMIT:,} that are compared with each other"
        return {"searched": False, "why": why}
    side = min(next(iter(splits.values())).images.shape[1:3])
    if side < twins.SHIFTED:
        why = f"pictures of {side} pixels a side are too small to tell the same from one alike"
        return {"searched": False, "why": why}
    found = twins.find([split.images for split in named.values()])
    partners = found.partners()
    members: dict[str, dict[int, list[int]]] = {}
    start = 0
    for name, split in named.items():
        members[name] = {}
        for row, group in enumerate(found.group[start : start + len(split)].tolist()):
            members[name].setdefault(group, []).append(row)
        start += len(split)

    pairs = {}
    for first, second in combinations_with_replacement(named, 2):
        if second.startswith("like:"):
            continue
        entry = _count(named, members, partners, first, second)
        if entry["images"]:
            pairs[f"{first}/{second}"] = entry
    return {"searched": True, "method": twins.METHOD, "pairs": pairs}


def _count(
    named: dict[str, Split],
    members: dict[str, dict[int, list[int]]],
    partners: list[list[int]],
    first: str,
    second: str,
) -> dict[str, Any]:
    """How many images of one split have twins in another, or before them in the same."""
    images, other = 0, 0
    examples: list[list[str]] = []
    there, here = named[first], named[second]
    made_of = originals(here.ids)
    rows = sorted((row, group) for group, each in members[second].items() for row in each)
    for row, group in rows:
        twin = [one for near in (group, *partners[group]) for one in members[first].get(near, [])]
        if first == second:
            twin = [one for one in twin if one < row and made_of[one] != made_of[row]]
        if twin:
            images += 1
            same = first.startswith("like:") or any(there.labels[one] == here.labels[row] for one in twin)
            other += not same
            # What another dataset calls its images is not for this one to tell: it may be private.
            examples.append([] if first.startswith("like:") else [str(there.ids[twin[0]])])
            examples[-1].append(str(here.ids[row]))
    return {"images": images, "other-label": other, "examples": examples[:EXAMPLES]}
