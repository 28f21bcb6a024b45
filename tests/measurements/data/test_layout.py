"""Von Neumann's ratio on pixels against loops, and on real photographs in wrong layouts."""

import numpy as np
import pytest
import torch
from skimage import data
from sklearn.datasets import load_digits

from paramedic.measurements.data.layout import as_images, readings, roughness, smoothness


def slow_roughness(image):
    channels = []
    for axis in (1, 2):
        steps = np.diff(image, axis=axis) ** 2
        channels.append(sum(float(steps[c].mean()) for c in range(len(image))))
    return np.mean(channels) / (2 * sum(float(image[c].var()) for c in range(len(image))))


def photographs(size=24, per=16):
    found = []
    for name in ("astronaut", "coffee", "chelsea"):
        picture = getattr(data, name)()[:, :, :3]
        corners = np.random.default_rng(0).integers(0, min(picture.shape[:2]) - size, (per, 2))
        found += [picture[y : y + size, x : x + size] for y, x in corners]
    return np.stack(found).astype(float)  # (N, H, W, C)


def test_roughness():
    images = np.random.default_rng(0).normal(size=(5, 3, 8, 6)).cumsum(axis=2)
    assert np.allclose(roughness(images), [slow_roughness(image) for image in images])


@pytest.mark.parametrize("count", [16, 48])
def test_memory_of_another_layout_is_recognized(count):
    right = photographs()[:count].transpose(0, 3, 1, 2)
    assert readings(right)[0].ratio > 0.7
    wrong = np.ascontiguousarray(right.transpose(0, 2, 3, 1)).reshape(right.shape)
    best = readings(wrong)[0]
    assert best.ratio < 0.7 and best.z < -5 and "memory viewed as" in best.name


def test_swapped_width_and_height():
    right = photographs()[:, :16].transpose(0, 3, 1, 2)[:, :1]  # 16 x 24
    wrong = right.reshape(len(right), 1, 24, 16)
    best = readings(wrong)[0]
    assert best.ratio < 0.7 and best.z < -5 and "rows of 24" in best.name


def test_permuted_pixels_are_not_smooth():
    images = photographs().transpose(0, 3, 1, 2)
    assert smoothness(images).z > 4
    order = np.random.default_rng(1).permutation(24 * 24)
    permuted = images.reshape(len(images), 3, -1)[:, :, order].reshape(images.shape)
    found = smoothness(permuted)
    assert found.z < 4 and found.partner > 0.6


@pytest.mark.parametrize("change", [lambda x: x, lambda x: x * 255, lambda x: x[:, :, ::-1], lambda x: x + 8])
def test_healthy_digits(change):
    images = change(load_digits().images[:64][:, None].astype(float))
    best = readings(images)
    assert all(item.ratio > 0.7 or item.z > -5 for item in best)
    assert smoothness(images).z > 4


def test_blank_and_broken_images_are_left_out():
    images = torch.rand(6, 1, 8, 8)
    images[0] = 3.0
    images[1, 0, 0, 0] = float("nan")
    assert len(as_images(images)) == 4
