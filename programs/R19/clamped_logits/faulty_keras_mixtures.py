"""Which of six gas mixtures passed a row of ten sensors, with Keras."""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np

keras.utils.set_random_seed(4)
generator = np.random.default_rng(4)
responses = generator.normal(size=(6, 2, 10))
labels = generator.integers(6, size=1800)
variants = generator.integers(2, size=1800)
sensors = (responses[labels, variants] + 0.7 * generator.normal(size=(1800, 10))).astype("float32")
train, test = slice(0, 1400), slice(1400, None)

inputs = keras.Input((10,))
hidden = keras.layers.Dense(48, activation="relu")(inputs)
hidden = keras.layers.Dense(48, activation="relu")(hidden)
outputs = keras.layers.Dense(6)(hidden)
model = keras.Model(inputs, outputs)
model.compile(
    optimizer=keras.optimizers.Adam(1e-3),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
model.fit(sensors[train], labels[train], batch_size=32, epochs=8, verbose=0)
found = model.predict(sensors[test], verbose=0).argmax(axis=1)
print(f"test accuracy {(found == labels[test]).mean():.4f}")
