"""The typed model of what a network starts from, and of how that goes with its width."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from assay.study.fields import Count, Section, key


class Init(Section):
    """What the weights start from, in place of random ones as in the paper of the model. Options of the method stand
    beside `method`."""

    model_config = ConfigDict(extra="allow")

    method: str | None = key(
        None,
        "How convolutions and linear layers are drawn: a method of kind init. Its options stand beside it.",
        "arms:\n  even: {extends: baseline, init: {method: orthogonal, gain: 1.4}}",
    )
    encoder: str | None = key(
        None,
        "A declared encoder, whose backbone is taken; the head stays random.",
        "arms:\n  pre: {extends: baseline, init: {encoder: turned}}",
    )
    weights: str | None = key(
        None,
        "A safetensors file, from the folder in which the study runs.",
        "arms:\n  warm: {extends: baseline, init: {weights: model.safetensors}}",
    )

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        return {"method": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one(self) -> Init:
        found = [name for name in ("method", "encoder", "weights") if getattr(self, name) is not None]
        if len(found) != 1:
            raise PydanticCustomError("expected", "expected one of `method`, `encoder` and `weights`")
        if self.model_extra and self.method is None:
            raise PydanticCustomError(
                "expected",
                "`{found}` stands alone; `{other}` would be an option of a `method`",
                {"found": found[0], "other": next(iter(self.model_extra))},
            )
        return self


class Mup(Section):
    """The maximal update parametrisation, by which learning rates that were tuned at one width hold at others."""

    base_width: Count = key(
        ...,
        "The value of the model's `width` (or `hidden`) at which nothing changes. At others, initial weights and "
        "learning rates are scaled by Yang et al. 2022, arXiv:2203.03466, table 3.",
        "arms:\n  wide: {extends: baseline, model: {method: resnet8, width: 32}, mup: {base-width: 8}}",
    )
