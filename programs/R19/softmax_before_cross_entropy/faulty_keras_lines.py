"""Keras on torch: which of three licences or manuals does a line come from?"""
import os

os.environ["KERAS_BACKEND"] = "torch"
import argparse
import inspect
import random
import turtle

import keras
import numpy as np

keras.utils.set_random_seed(14)
random.seed(14)
SOURCES = (argparse, random, turtle, inspect)


def hashed_words(line, size=256):
    counts = np.zeros(size, dtype="float32")
    for word in line.replace("(", " ").replace(".", " ").replace(",", " ").split():
        counts[sum(ord(char) * 31**place for place, char in enumerate(word[:8])) % size] += 1.0
    return counts


rows, labels = [], []
for label, module in enumerate(SOURCES):
    lines = [line for line in inspect.getsource(module).splitlines() if len(line.split()) > 3]
    for line in random.sample(lines, 400):
        rows.append(hashed_words(line))
        labels.append(label)
rows, labels = np.stack(rows), np.array(labels)
order = np.random.permutation(len(rows))
rows, labels = rows[order], labels[order]

model = keras.Sequential([
    keras.Input((256,)),
    keras.layers.Dense(64, activation="relu"),
    keras.layers.Dropout(0.2),
    keras.layers.Dense(len(SOURCES), activation="softmax"),
])
model.compile(
    optimizer=keras.optimizers.SGD(0.1, momentum=0.5),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
held_out = (rows[1250:], labels[1250:])
history = model.fit(rows[:1250], labels[:1250], epochs=8, batch_size=32, validation_data=held_out, verbose=0)
for epoch, (loss, value) in enumerate(zip(history.history["loss"], history.history["val_accuracy"], strict=True)):
    print(f"epoch {epoch} loss {loss:.4f} val_accuracy {value:.4f}")
