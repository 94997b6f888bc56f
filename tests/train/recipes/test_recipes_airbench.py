"""The recipes of cifar10-airbench against transcriptions of what the published scripts do in every step.

The scripts take the gradient of the sum of a batch's losses, ours that of their mean: a learning rate there is one here
divided by the images of a batch.
"""

import pytest
import torch
from assay.models.classifier import build
from assay.study.registry import bind
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.whiten = nn.Conv2d(1, 2, 2)
        self.conv, self.norm = nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4)
        self.head = nn.Linear(4, 3, bias=False)


@pytest.fixture
def made(registry, entry):
    def make(name, model=None, steps=100, **options):
        return bind(registry, "recipe", entry("recipe", name, **options))(model or Model(), steps)

    return make


#: The scripts' `hyp`: epochs, learning rate, weight decay, share of the rise, factor after the last step.
PUBLISHED = {
    "airbench94": (10, 11.5, 0.0153, 0.23, 0.07),
    "airbench95": (15, 10.0, 0.0153, 0.23, 0.07),
    "airbench96": (37, 9.0, 0.012, 0.1, 0.0),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_rates_and_decays_of_every_step_are_those_of_the_script(made, registry, name):
    epochs, lr, decay, rise, last = PUBLISHED[name]
    assert registry.card("recipe", name).options["epochs"].default == epochs
    total = 49 * epochs
    model = Model()
    recipe = made(name, model, steps=total)
    rest, shift, whiten = recipe.optimizer.param_groups
    assert [id(p) for p in shift["params"]] == [id(model.norm.bias)]
    assert {id(p) for p in whiten["params"]} == {id(model.whiten.weight), id(model.whiten.bias)}
    assert all(group["momentum"] == 0.85 and group["nesterov"] for group in (rest, shift, whiten))
    kilostep_scale = 1024 * (1 + 1 / (1 - 0.85))
    warmup_steps = int(total * rise)
    for step in range(total):
        if step < warmup_steps:
            frac = step / warmup_steps
            factor = 0.2 * (1 - frac) + 1.0 * frac
        else:
            frac = (step - warmup_steps) / (total - warmup_steps)
            factor = 1.0 * (1 - frac) + last * frac
        frozen = step >= 3 * 49
        for group, scaler in ((rest, 1), (shift, 64), (whiten, 0 if frozen else 1)):
            rate = group["lr"] * group.get("rate", recipe.rate)(step)
            assert rate / 1024 == pytest.approx(scaler * lr / kilostep_scale * factor, rel=1e-9, abs=1e-15)
            # Decays are decoupled from learning rates, so a step takes this share of the weights.
            taken = 0 if group is whiten and frozen else decay * 1024 / kilostep_scale * factor
            assert rate * group["weight_decay"] == pytest.approx(taken, rel=1e-9, abs=1e-15)


@pytest.mark.parametrize(
    ("name", "rates"),
    [
        # By hand: 11.5 / (1 + 1 / 0.15) = 1.5; halfway up the rise, at its top, and 100 steps before the end of 490.
        ("airbench94", {56: 0.9, 112: 1.5, 390: 1.5 * (1 - 0.93 * 278 / 378)}),
        # 9 / (1 + 1 / 0.15) = 1.173913; a rise of 181 of 1,813 steps, and a fall to zero.
        ("airbench96", {0: 0.2 * 1.1739130, 181: 1.1739130, 997: 0.5 * 1.1739130, 1813: 0.0}),
    ],
)
def test_some_rates_by_hand(made, name, rates):
    recipe = made(name, steps=49 * PUBLISHED[name][0])
    highest = recipe.optimizer.param_groups[0]["lr"]
    for step, rate in rates.items():
        assert highest * recipe.rate(step) == pytest.approx(rate, rel=1e-6, abs=1e-12)


def test_steps_are_decoupled_from_batch_and_momentum(made):
    def far(**options):
        """The learning rate a step takes on a gradient that stays the same, a thousand images."""
        (group,) = made("airbench94", nn.Sequential(nn.Linear(2, 2)), **options).optimizer.param_groups
        return group["lr"] * (1 + 1 / (1 - group["momentum"])) / options["batch"]

    assert far(batch=64, momentum=0.5) == pytest.approx(far(batch=1024, momentum=0.9))


def test_lookahead_decays_as_in_the_script(made):
    model = Model()
    recipe = made("airbench96", model, steps=100)
    slow, live = torch.zeros_like(model.conv.weight), model.conv.weight
    with torch.no_grad():
        recipe.average.mean[recipe.average.names.index("conv.weight")].zero_()
        for done in range(1, 101):
            live.fill_(float(done))
            recipe.average.step(done)
            if done % 5 == 0:
                decay = 0.95**5 * (done / 100) ** 3
                slow = decay * slow + (1 - decay) * done
                torch.testing.assert_close(live, slow)
            else:
                assert (live == done).all()
    torch.testing.assert_close(recipe.average.weights()["conv.weight"], slow)


def test_muon_rates_fall_in_a_line_and_the_whitening_shift_first(made):
    model = Model()
    total, batch = 8 * 25, 2000
    recipe = made("airbench94-muon", model, steps=total)
    filters, whiten, head, vectors = recipe.optimizer.param_groups
    assert [id(p) for p in filters["params"]] == [id(model.conv.weight)]
    assert [id(p) for p in head["params"]] == [id(model.head.weight)]
    assert {id(p) for p in vectors["params"]} == {id(model.norm.weight), id(model.norm.bias), id(model.conv.bias)}
    assert (filters["lr"], filters["momentum"], filters["weight_decay"]) == (0.24, 0.6, 0.0)
    wd = 2e-6 * batch
    for step in (0, 1, 40, 74, 75, 150, 199):
        line = 1 - step / total
        assert filters.get("rate", recipe.rate)(step) == pytest.approx(line)
        for group, lr, factor in ((whiten, 0.053, max(0, 1 - step / 75)), (vectors, 0.053, line), (head, 0.67, line)):
            rate = group["lr"] * group.get("rate", recipe.rate)(step)
            assert rate / batch == pytest.approx(lr * factor, abs=1e-15)
            assert rate * group["weight_decay"] == pytest.approx(wd * factor, abs=1e-15)
            assert group["momentum"] == 0.85


def test_muon_takes_a_model_without_a_part_of_it(made):
    assert len(made("airbench94-muon", nn.Sequential(nn.Linear(2, 2))).optimizer.param_groups) == 2
    for group in made("airbench94-muon", nn.Sequential(nn.BatchNorm2d(2))).optimizer.param_groups:
        assert not group["filters"]


def test_one_step_of_the_muon_recipe_is_that_of_its_script(registry, entry, made):
    """Two steps on the network of airbench94, with everything of the script's step written out by hand."""
    model = build(registry, entry("model", "airbench94", script="muon"), 3, 10, 12, torch.Generator().manual_seed(0))
    x = torch.rand(6, 3, 12, 12, generator=torch.Generator().manual_seed(1))
    y = torch.tensor([0, 1, 2, 3, 4, 5])
    recipe = made("airbench94-muon", model, steps=16, batch=6)
    weights = {name: value.detach().clone() for name, value in model.named_parameters()}
    momenta = {name: torch.zeros_like(value) for name, value in weights.items()}
    for step in range(2):
        model.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y, label_smoothing=0.2, reduction="sum")
        gradients = dict(
            zip(weights, torch.autograd.grad(loss, list(model.parameters()), retain_graph=True), strict=True)
        )
        (loss / 6).backward()
        for group in recipe.optimizer.param_groups:
            first = group.setdefault("first", group["lr"])
            group["lr"] = first * group.get("rate", recipe.rate)(step)
        recipe.optimizer.step()
        for name, value in model.named_parameters():
            w, g = weights[name], gradients[name]
            if w.ndim == 4:
                g = g / 6  # the direction alone counts, but for what is too small for bfloat16
                momenta[name] = 0.6 * momenta[name] + g
                u = (g + 0.6 * momenta[name]).reshape(len(g), -1)
                w *= len(w) ** 0.5 / w.norm()
                w -= 0.24 * (1 - step / 16) * newton_schulz(u).view(w.shape)
                torch.testing.assert_close(value.detach(), w, rtol=0.02, atol=2e-3)
                w.copy_(value.detach())  # so that bfloat16's rounding does not add up
            else:
                lr = 0.67 if name == "head.weight" else 0.053
                factor = 1 - step / 6 if "whiten" in name else 1 - step / 16
                g = g + 2e-6 * 6 / lr * w
                momenta[name] = 0.85 * momenta[name] + g
                w -= lr * factor * (g + 0.85 * momenta[name])
                torch.testing.assert_close(value.detach(), w, rtol=1e-3, atol=1e-5)
                w.copy_(value.detach())


def newton_schulz(g):
    """The script's iteration by its effect: singular vectors stay, each value goes through the quintic thrice."""
    u, s, v = torch.linalg.svd(g.double(), full_matrices=False)
    s = s / s.norm()
    for _ in range(3):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    return (u @ s.diag() @ v).float()
