import numpy as np
import torch
from assay.models.classifier import build
from assay.train.infer import logits_and_features


def test_batches_are_put_together_in_evaluation_mode(registry, entry, toy):
    model = build(registry, entry("model", "resnet8"), 1, 3, 8, torch.Generator().manual_seed(0)).train()
    images = toy.splits["test"].images
    before = {name: value.clone() for name, value in model.state_dict().items()}
    logits, features = logits_and_features(model, images, 7)
    assert logits.shape == (60, 3)
    assert features.shape == (60, 64)
    assert logits.dtype == features.dtype == np.float32
    assert model.training, "the mode is put back"
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    x = torch.from_numpy(images.transpose(0, 3, 1, 2).copy()).float() / 255
    with torch.no_grad():
        expected = model.eval()(x)
        expected_features = model.features(x)
    np.testing.assert_allclose(logits, expected.numpy(), atol=1e-5)
    np.testing.assert_allclose(features, expected_features.numpy(), atol=1e-5)
    empty = logits_and_features(model, images[:0])
    assert [array.shape for array in empty] == [(0, 3), (0, 64)]
