import pytest
import torch
from assay.errors import MethodError
from assay.models.classifier import build
from assay.train.initial import start_from_encoder, start_from_weights


@pytest.fixture
def make(registry, entry):
    def model(seed, classes=3, name="tiny-cnn", **options):
        generator = torch.Generator().manual_seed(seed)
        return build(registry, entry("model", name, **options), 1, classes, 8, generator)

    return model


def test_encoder_brings_everything_but_the_head(make):
    model, encoder = make(0), make(1, classes=7)
    encoder.mean.fill_(0.3)
    head = model.head.weight.clone()
    start_from_encoder(model, encoder.state_dict())
    own, given = model.state_dict(), encoder.state_dict()
    assert all(torch.equal(own[name], given[name]) for name in own if not name.startswith("head"))
    assert torch.equal(model.head.weight, head)


def test_weights_bring_the_head_when_it_fits(make, capsys):
    model, given = make(0), make(1)
    start_from_weights(model, given.state_dict())
    assert torch.equal(model.head.weight, given.head.weight)
    model, other = make(0), make(1, classes=7)
    head = model.head.weight.clone()
    start_from_weights(model, other.state_dict())
    assert torch.equal(model.head.weight, head)
    assert "7 classes" in capsys.readouterr().out


def test_tensors_that_do_not_fit_are_named(make):
    with pytest.raises(MethodError, match=r"backbone.0.weight has shape \[8, 1, 3, 3\], the model needs \[16"):
        start_from_encoder(make(0), make(1, width=8).state_dict())
    tensors = make(1).state_dict()
    del tensors["backbone.1.bias"]
    tensors["extra"] = torch.zeros(1)
    with pytest.raises(MethodError, match=r"backbone.1.bias is missing; extra has no place"):
        start_from_weights(make(0), tensors)
    with pytest.raises(MethodError, match="missing"):
        start_from_encoder(make(0), {})
    with pytest.raises(MethodError, match="none but its head"):
        start_from_encoder(make(0, name="linear"), make(1, name="linear").state_dict())
