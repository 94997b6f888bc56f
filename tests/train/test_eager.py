import subprocess
import sys

import pytest
import torch
from assay.train.eager import eager


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "fused": True}),
        (torch.optim.AdamW, {"lr": 0.1, "betas": (0.8, 0.9), "fused": True}),
        (torch.optim.RMSprop, {"lr": 0.1}),
    ],
)
def test_same_bits_as_torch(kind, options):
    ends = []
    for optimizer_kind in (kind, eager(kind)):
        parameter = torch.nn.Parameter(torch.linspace(-3, 3, 50))
        optimizer = optimizer_kind([{"params": [parameter], "weight_decay": 0.01}], **options)
        for _ in range(7):
            parameter.sin().sum().backward()
            optimizer.step()
            optimizer.zero_grad()
        ends.append(parameter.detach())
    assert torch.equal(*ends)


def test_a_parameter_whose_gradient_comes_later_moves_as_without_fusion():
    ends = []
    for make in (lambda *a, **o: torch.optim.SGD(*a, **o), lambda *a, **o: eager(torch.optim.SGD)(*a, fused=True, **o)):
        first, late = (torch.nn.Parameter(torch.linspace(-3, 3, 5)) for _ in range(2))
        optimizer = make([first, late], lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01)
        for step in range(6):
            loss = first.sin().sum() if step < 3 else late.cos().sum() + first.sin().sum()
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            if step == 2:
                torch.testing.assert_close(late.detach(), torch.linspace(-3, 3, 5))
        ends.append(torch.stack([first.detach(), late.detach()]))
    torch.testing.assert_close(*ends)


def test_no_compiler_is_imported():
    code = """
import sys, torch
from assay.train.deterministic import deterministic
from assay.train.recipes.sgd import sgd
model = torch.nn.Linear(2, 2)
recipe = sgd(model, 10, epochs=1, batch=1, lr=0.1, momentum=0.9, weight_decay=0.1, warmup=0.0, clip=None)
with deterministic(False):
    model(torch.ones(1, 2)).sum().backward()
    recipe.optimizer.step()
    recipe.optimizer.zero_grad()
recipe.optimizer.state_dict()
print([name for name in ("torch._dynamo", "sympy", "triton") if name in sys.modules])
"""
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"
