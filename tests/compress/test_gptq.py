"""Rounding that looks at a layer's outputs, against least squares and against all roundings there are."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from assay.compress.gptq import columns, gptq, rounded, second_moments
from assay.compress.ptq import ptq
from assay.compress.quantise import codes_of, scales
from assay.models.masks import prunable
from torch import nn


def layer_of(seed, outputs=3, inputs=5, samples=40, together=0.9):
    """A matrix, its steps, and inputs of which each shares a part with the others."""
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(outputs, inputs, generator=generator)
    shared = torch.randn(1, samples, generator=generator)
    x = together * shared + (1 - together) * torch.randn(inputs, samples, generator=generator)
    return weight, scales(weight, 4, cut=False), x


def test_each_column_rounds_what_least_squares_leaves_of_the_ones_before():
    """After each rounding the rest is fitted anew by numpy, which knows of no inverse and no Cholesky factor."""
    weight, step, x = layer_of(0)
    made = rounded(weight, step, (x @ x.T).double(), 4, 1e-12).numpy()
    inputs, w, s = x.double().numpy(), weight.double().numpy(), step.double().numpy()
    nearest = np.clip(np.round(w / s[:, None]), -7, 7)
    for row in range(3):
        fixed = []
        for column in range(5):
            target = w[row] @ inputs - (np.array(fixed) * s[row]) @ inputs[:column] if fixed else w[row] @ inputs
            left = np.linalg.lstsq(inputs[column:].T, target, rcond=None)[0]
            fixed.append(np.clip(np.round(left[0] / s[row]), -7, 7))
        np.testing.assert_array_equal(made[row], fixed)
    assert (made != nearest).any(), "it is not rounding to the nearest"


def test_one_step_is_the_optimal_brain_surgeon():
    """With two inputs: `w_2 += (w_1 - q_1) h_12 / h_22`, by hand."""
    weight, step = torch.tensor([[0.9, 0.4]]), torch.tensor([0.5])
    square = torch.tensor([[4.0, 3.0], [3.0, 5.0]], dtype=torch.float64)
    # 0.9 / 0.5 = 1.8 -> 2, so 0.1 too much; the other gives way by 0.1 * 3 / 5: 0.34 / 0.5 = 0.68 -> 1.
    assert rounded(weight, step, square, 4, 1e-12).tolist() == [[2.0, 1.0]]
    # With inputs that are nearly one, it gives way by 0.1 * 4.9 / 5: 0.302 / 0.5 = 0.604 -> 1; below 0.25 it is 0.
    weight = torch.tensor([[0.8, 0.34]])
    square = torch.tensor([[5.0, 4.9], [4.9, 5.0]], dtype=torch.float64)
    # 1.6 -> 2, 0.2 too much: 0.34 - 0.2 * 4.9 / 5 = 0.144 -> 0.288 -> 0, where the nearest code is 1.
    assert rounded(weight, step, square, 4, 1e-12).tolist() == [[2.0, 0.0]]


def test_inputs_that_have_nothing_in_common_leave_the_nearest_codes():
    weight, step, _ = layer_of(1)
    square = torch.diag(torch.tensor([1.0, 2.0, 3.0, 4.0, 0.0])).double()
    assert torch.equal(rounded(weight, step, square, 4, 0.01), codes_of(weight, step, 4))
    nothing = torch.zeros(5, 5, dtype=torch.float64)
    assert torch.equal(rounded(weight, step, nothing, 4, 0.01), codes_of(weight, step, 4))


def test_between_rounding_and_the_best_there_is():
    """All 3^4 codes next to the nearest ones are tried; on average most of the gap to the best of them is closed."""
    gaps = []
    for seed in range(12):
        weight, step, x = layer_of(seed, outputs=1, inputs=4)

        def missed(codes, weight=weight, step=step, x=x):
            return float(((weight - codes * step[:, None]) @ x).square().sum())

        near = codes_of(weight, step, 4)
        best = min(
            missed((near + torch.tensor([shift], dtype=near.dtype)).clamp(-7, 7))
            for shift in itertools.product((-1, 0, 1), repeat=4)
        )
        made = missed(rounded(weight, step, (x @ x.T).double(), 4, 1e-9))
        assert made >= best - 1e-4
        gaps.append((missed(near) - best, made - best))
    nearest, ours = np.mean(gaps, axis=0)
    assert ours < 0.5 * nearest


def test_what_was_pruned_stays_zero_and_is_made_up_for():
    weight, step, x = layer_of(3, outputs=20, inputs=8)
    weight[:, ::3] = 0
    made = rounded(weight, step, (x @ x.T).double(), 4, 1e-6)
    assert not made[:, ::3].any()
    errors = [((weight - codes * step[:, None]) @ x).square().sum() for codes in (made, codes_of(weight, step, 4))]
    assert errors[0] < errors[1]


@pytest.mark.parametrize("groups", [1, 2])
def test_a_convolution_is_a_matrix_on_patches(groups):
    generator = torch.Generator().manual_seed(0)
    layer = nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=groups, bias=False)
    x = torch.randn(5, 4, 7, 7, generator=generator)
    weights = layer.weight.detach().flatten(1).chunk(groups)
    made = torch.cat([w @ part for w, part in zip(weights, columns(layer, x).chunk(groups), strict=True)])
    torch.testing.assert_close(made.view(6, 5, 4, 4).transpose(0, 1), layer(x), rtol=1e-4, atol=1e-4)


def test_moments_are_of_the_layers_own_inputs(make, images):
    model = make("linear")
    x = ((images - model.mean) / model.std).flatten(1).double()
    (found,) = second_moments(model, model.head, images)
    torch.testing.assert_close(found, x.T @ x, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("activations", [False, True])
def test_outputs_of_a_whole_network_stay_closer_than_by_rounding(make, still, activations):
    images = torch.rand(200, 1, 8, 8, generator=torch.Generator().manual_seed(3))
    plain = make("resnet8", width=4)
    after = ptq(
        make("resnet8", width=4), still(images), bits=4, cut=True, activations=activations, images=200, beyond=0.0
    )
    made = gptq(
        make("resnet8", width=4), still(images), bits=4, cut=True, activations=activations, images=200, damping=0.01
    )
    new = torch.rand(200, 1, 8, 8, generator=torch.Generator().manual_seed(4))
    missed = [F.mse_loss(model.features(new), plain.features(new)).item() for model in (made, after)]
    assert missed[0] < 0.7 * missed[1]
    assert [change["kind"] for change in made.changes] == ["integers"] * len(prunable(plain))
    assert made.head.codes.dtype == torch.uint8
