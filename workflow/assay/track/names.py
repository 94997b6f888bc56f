"""Names as MLflow takes them: letters, digits, `_ - . : /` and spaces, at most 250 characters."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

LONGEST = 250
_ILLEGAL = re.compile(r"[^\w.\- :]")


def _hash(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]


def legal(word: str) -> str:
    """One part of a name. What MLflow refuses becomes `_`, with a hash so that different words stay different."""
    made = _ILLEGAL.sub("_", word)
    if made in ("", ".", ".."):
        made = made.replace(".", "_") or "_"
    return made if made == word else f"{made}-{_hash(word, 6)}"


def joined(*parts: str) -> str:
    """Parts as one name with slashes; what is too long ends in a hash of the whole."""
    name = "/".join(legal(part) for part in parts)
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 13].rstrip('./')}-{_hash(name, 12)}"


def metric_key(family: str, metric: str, keys: Mapping[str, str]) -> str:
    """The MLflow name of a metric: `auroc[set=glyphs]` of family `ood` is `ood/auroc/set:glyphs`."""
    return joined(family, metric, *(f"{key}:{value}" for key, value in keys.items()))


def flatten(value: Any, prefix: str = "") -> dict[str, str]:
    """A resolved config entry as flat params, named by the dotted paths of the config.

    `{"model": {"method": "resnet8", "width": 16}}` gives `model: resnet8`, `model.width: 16`. A list of methods gives
    their names in order and the options of each under its name. What is null or empty is left out.
    """
    if value is None or value == [] or value == {}:
        return {}
    if isinstance(value, Mapping):
        flat: dict[str, str] = {}
        for key, item in value.items():
            if key == "method" and prefix and not isinstance(item, Mapping):
                flat[prefix] = str(item)
            else:
                flat |= flatten(item, f"{prefix}.{legal(str(key))}" if prefix else legal(str(key)))
        return flat
    if isinstance(value, list) and all(isinstance(item, Mapping) and "method" in item for item in value):
        flat = {prefix: ", ".join(str(item["method"]) for item in value)}
        for number, item in enumerate(value):
            name = legal(str(item["method"]))
            twice = sum(other["method"] == item["method"] for other in value) > 1
            options = {key: option for key, option in item.items() if key != "method"}
            flat |= flatten(options, f"{prefix}.{name}-{number}" if twice else f"{prefix}.{name}")
        return flat
    if isinstance(value, bool | list):
        return {prefix: json.dumps(value, ensure_ascii=False)}
    return {prefix: str(value)}
