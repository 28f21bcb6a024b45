"""Recipes beside the weights, what was applied to images, and the probe that decides between two recipes."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from paramedic.measurements.data.pretrained import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    RECIPES,
    in_family,
    other_orders,
    published_recipe,
    read_better,
    to_unit_range,
    was_applied,
)

IMAGES = torch.rand(32, 3, 8, 8, generator=torch.Generator().manual_seed(0)).double()
IMAGES[0, :, 0, 0], IMAGES[0, :, 0, 1] = 0.0, 1.0  # photographs reach from dark to bright


class Model(nn.Module):
    def __init__(self, **settings):
        super().__init__()
        self.layer = nn.Linear(2, 2)
        for name, value in settings.items():
            setattr(self, name, value)


class Config:
    def __init__(self, folder):
        self._name_or_path = str(folder)


def test_recipes_beside_the_weights(tmp_path):
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({"image_mean": [0.5] * 3, "image_std": [0.25] * 3}))
    of_hub = published_recipe(Model(config=Config(tmp_path)))
    of_timm = published_recipe(nn.Sequential(Model(pretrained_cfg={"mean": IMAGENET_MEAN, "std": IMAGENET_STD})))
    assert of_hub is not None and of_timm is not None
    assert torch.allclose(of_hub.apply(IMAGES), (IMAGES - 0.5) / 0.25)
    assert torch.allclose(of_timm.apply(IMAGES), next(item for item in RECIPES if "of ImageNet" in item.name).apply(IMAGES))
    assert "preprocessor_config.json" in of_hub.name and "pretrained_cfg" in of_timm.name
    assert published_recipe(Model(config=Config(tmp_path / "none"))) is None
    assert published_recipe(Model(pretrained_cfg={"mean": "0.5", "std": None})) is None


@pytest.mark.parametrize("given", RECIPES, ids=lambda item: item.name)
def test_a_recipe_is_recognized_where_it_was_applied(given):
    imagenet = next(item for item in RECIPES if item.name == "mean and standard deviation of ImageNet")
    assert was_applied(imagenet, given.apply(IMAGES)) == (given is imagenet)


def test_other_orders_keep_the_value_range():
    family, unit = to_unit_range(2 * IMAGES - 1)
    orders = other_orders(family, unit)
    assert len(orders) == 2
    reversed_, transposed = (in_family(family, item) for item in orders.values())
    assert torch.allclose(reversed_, (2 * IMAGES - 1).flip(1)) and torch.allclose(transposed, (2 * IMAGES - 1).mT)
    assert not other_orders(family, unit[:, :1, :, :5])


@pytest.mark.parametrize("seed", range(3))
def test_the_probe_tells_better_features_from_equal_ones(seed):
    generator = np.random.default_rng(seed)
    labels = np.arange(300) % 3
    good = np.eye(3)[labels] + 0.5 * generator.normal(size=(300, 3))
    blurred = np.eye(3)[labels] + 1.0 * generator.normal(size=(300, 3))
    better, same = read_better(blurred, good, labels), read_better(good, 1000 * good + 5, labels)
    assert better.p < 1e-3 and better.interval[0] > 0 and better.after > better.before + 0.05
    assert same.p > 0.1 and same.before == pytest.approx(same.after, abs=0.01)
    assert read_better(good, blurred, labels).p > 0.5
