"""Keras on the torch backend with an own train_step: segmentation of coins in noisy pieces of a photograph."""
import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np
import torch
from keras import layers
from skimage import data, filters, morphology


def pieces(image, mask, n, rows, rng, size=32):
    xs, ys = [], []
    while len(xs) < n:
        r = rng.integers(rows[0], rows[1] - size)
        c = rng.integers(0, image.shape[1] - size)
        cut = mask[r : r + size, c : c + size]
        if not 0.1 < cut.mean() < 0.9:
            continue
        k = rng.integers(4)
        piece = image[r : r + size, c : c + size] + rng.normal(0, 0.15, (size, size))
        xs.append(np.rot90(piece, k))
        ys.append(np.rot90(cut, k))
    return np.array(xs, "float32")[..., None], np.array(ys, "float32")[..., None]


def dice(target, logits):
    p = torch.sigmoid(logits)
    overlap = (p * target).sum((1, 2, 3))
    return (2 * overlap + 1) / (p.sum((1, 2, 3)) + target.sum((1, 2, 3)) + 1)


class SegmentationModel(keras.Model):
    """Cross-entropy plus soft Dice; the step calls torch directly."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.dice_tracker = keras.metrics.Mean(name="dice")

    @property
    def metrics(self):
        return [self.loss_tracker, self.dice_tracker]

    def compute(self, x, y, training):
        logits = self(x, training=training)
        overlap = dice(y, logits)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, y) + (1 - overlap).mean()
        return loss, overlap

    def train_step(self, batch):
        x, y = batch
        self.zero_grad()
        loss, overlap = self.compute(x, y, training=True)
        loss.backward()
        weights = list(self.trainable_weights)
        with torch.no_grad():
            self.optimizer.apply([w.value.grad for w in weights], weights)
        self.loss_tracker.update_state(loss.detach())
        self.dice_tracker.update_state(overlap.detach())
        return {m.name: m.result() for m in self.metrics}

    def test_step(self, batch):
        with torch.no_grad():
            loss, overlap = self.compute(*batch, training=False)
        self.loss_tracker.update_state(loss)
        self.dice_tracker.update_state(overlap)
        return {m.name: m.result() for m in self.metrics}


def build():
    x = inputs = keras.Input((32, 32, 1))
    skips = []
    for width in (12, 24):
        x = layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
        x = layers.Activation("relu")(layers.BatchNormalization(momentum=0.9)(x))
        skips.append(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(32, 3, padding="same", activation="relu")(x)
    for width, skip in zip((24, 12), reversed(skips)):
        x = layers.Concatenate()([layers.UpSampling2D()(x), skip])
        x = layers.Conv2D(width, 3, padding="same", activation="relu")(x)
    return SegmentationModel(inputs=inputs, outputs=layers.Conv2D(1, 1)(x))


def main():
    keras.utils.set_random_seed(6)
    rng = np.random.default_rng(6)
    image = data.coins() / 255.0
    smooth = filters.gaussian(image, 1.5)
    mask = morphology.remove_small_objects(smooth > filters.threshold_local(smooth, 151, offset=-0.02), 100)
    image = (image - image.mean()) / image.std()
    height = image.shape[0]
    x_train, y_train = pieces(image, mask, 500, (0, int(0.65 * height)), rng)
    x_test, y_test = pieces(image, mask, 150, (int(0.65 * height), height), rng)
    model = build()
    model.compile(optimizer=keras.optimizers.Adam(3e-3))
    history = model.fit(x_train, y_train, batch_size=25, epochs=8, verbose=0)
    for epoch, (loss, d) in enumerate(zip(history.history["loss"], history.history["dice"])):
        print(f"epoch {epoch + 1}: loss {loss:.4f} dice {d:.4f}")
    result = model.evaluate(x_test, y_test, batch_size=50, verbose=0, return_dict=True)
    everything = np.mean(2 * y_test.mean((1, 2, 3)) / (1 + y_test.mean((1, 2, 3))))
    print(f"test dice {float(result['dice']):.4f} (everything marked as coin: {everything:.4f})")


if __name__ == "__main__":
    main()
