"""Two moons, three rings and noise: a Keras network with weight regularization."""
import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
from keras import layers, regularizers
from sklearn.datasets import make_circles, make_moons

keras.utils.set_random_seed(19)


def figure(count, seed):
    moons, moon = make_moons(count, noise=0.08, random_state=seed)
    rings, ring = make_circles(count, noise=0.05, factor=0.45, random_state=seed)
    points = np.concatenate([moons + [3.0, 0.0], rings])
    labels = np.concatenate([moon, ring + 2])
    order = np.random.default_rng(seed).permutation(len(labels))
    points = (points - points.mean(0)) / points.std(0)
    return points[order].astype("float32"), labels[order]


def build(units, strength):
    penalty = regularizers.L2(strength)
    inputs = keras.Input((2,))
    x = inputs
    for width in units:
        x = layers.Dense(width, activation="relu", kernel_regularizer=penalty)(x)
    outputs = layers.Dense(4, activation="softmax", kernel_regularizer=penalty)(x)
    return keras.Model(inputs, outputs)


x_train, y_train = figure(700, seed=1)
x_val, y_val = figure(300, seed=2)
model = build(units=(48, 48), strength=0.3)
model.compile(optimizer=keras.optimizers.Adam(4e-3), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x_train, y_train, batch_size=50, epochs=15, validation_data=(x_val, y_val), verbose=0)
for epoch in (0, 4, 9, 14):
    print(epoch, {name: round(values[epoch], 4) for name, values in history.history.items()})
print("val_accuracy", round(history.history["val_accuracy"][-1], 4))
