"""Recognise spoken-like vowels sequences from small spectrograms with Keras (torch backend) and SpecAugment-style masking."""
import os

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
import numpy as np
from keras import layers

BINS, FRAMES = 24, 32
SYLLABLES = {"ae": (0, 1), "ea": (1, 0), "ou": (2, 3), "uo": (3, 2), "ao": (0, 2), "oa": (2, 0)}
FORMANTS = np.array([[0.65, 0.35], [0.30, 0.75], [0.45, 0.22], [0.20, 0.30]])


def syllable(kind, rng):
    first, second = list(SYLLABLES.values())[kind]
    turn = rng.uniform(0.35, 0.65) * FRAMES
    mix = 1 / (1 + np.exp(-(np.arange(FRAMES) - turn) / 2))
    track = (1 - mix)[:, None] * FORMANTS[first] + mix[:, None] * FORMANTS[second]
    track = track * rng.uniform(0.85, 1.15)
    f = np.linspace(0, 1, BINS)
    spec = np.exp(-((f[:, None, None] - track) / 0.06) ** 2).sum(-1)
    return spec * rng.uniform(0.6, 1.2) + rng.normal(0, 0.8, spec.shape)


def corpus(n, seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, len(SYLLABLES), n)
    x = np.stack([syllable(k, rng) for k in y]).astype("float32")[..., None]
    return x, y


class MaskedSequence(keras.utils.PyDataset):
    def __init__(self, x, y, batch_size, n_masks=4, max_width=FRAMES, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.x, self.y, self.batch_size = x, y, batch_size
        self.n_masks, self.max_width = n_masks, max_width
        self.rng = np.random.default_rng(seed)
        self.on_epoch_end()

    def __len__(self):
        return len(self.x) // self.batch_size

    def on_epoch_end(self):
        self.order = self.rng.permutation(len(self.x))

    def __getitem__(self, i):
        idx = self.order[i * self.batch_size:(i + 1) * self.batch_size]
        batch = self.x[idx].copy()
        for spec in batch:
            for _ in range(self.n_masks):
                width = self.rng.integers(0, self.max_width + 1)
                start = self.rng.integers(0, FRAMES - width + 1)
                spec[:, start:start + width] = 0.0
        return batch, self.y[idx]


keras.utils.set_random_seed(1)
x_train, y_train = corpus(1000, 0)
x_val, y_val = corpus(300, 1)
mean, std = x_train.mean(), x_train.std()
x_train, x_val = (x_train - mean) / std, (x_val - mean) / std

model = keras.Sequential([
    keras.Input((BINS, FRAMES, 1)),
    layers.Conv2D(12, 3, padding="same", activation="relu"),
    layers.MaxPooling2D(2),
    layers.Conv2D(24, 3, padding="same", activation="relu"),
    layers.MaxPooling2D(2),
    layers.Flatten(),
    layers.Dense(48, activation="relu"),
    layers.Dense(len(SYLLABLES), activation="softmax"),
])
model.compile(optimizer=keras.optimizers.Adam(1.5e-3), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
train = MaskedSequence(x_train, y_train, batch_size=40)
history = model.fit(train, validation_data=(x_val, y_val), epochs=5, verbose=0)
for e, (loss, acc, val) in enumerate(zip(history.history["loss"], history.history["accuracy"], history.history["val_accuracy"])):
    print(f"epoch {e + 1} loss {loss:.3f} accuracy {acc:.3f} val_accuracy {val:.3f}")
