"""Garment silhouettes, imbalanced classes. Keras 3 on torch, class weights + label smoothing."""
import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
from keras import layers
from sklearn.metrics import balanced_accuracy_score

keras.utils.set_random_seed(12)
NAMES = ["shirt", "trousers", "dress", "boot"]
SHARE = np.array([8, 4, 2, 1]) / 15
SIZE = 16


def silhouette(kind, rng):
    img = np.zeros((SIZE, SIZE), "float32")
    c, w, top = SIZE // 2 + rng.integers(-1, 2), rng.integers(2, 4), rng.integers(1, 3)
    if kind == 0:
        img[top + 1:13, c - w:c + w] = 1
        img[top + 1:top + 4, max(0, c - w - 4):c + w + 4] = 1
    elif kind == 1:
        img[top:top + 3, c - 3:c + 3] = 1
        img[top:15, c - 3:c - 1] = 1
        img[top:15, c + 1:c + 3] = 1
    elif kind == 2:
        for r in range(top, 15):
            half = 1 + int((r - top) * (0.28 + 0.05 * w))
            img[r, max(0, c - half):c + half] = 1
    else:
        img[top:14, c - 2:c + 2] = 1
        img[10 + rng.integers(0, 2):14, c - 2:c + 6] = 1
    img *= rng.uniform(0.5, 1.0)
    return np.clip(img + rng.normal(0, 0.25, img.shape), 0, 1.5)


def make(n, rng):
    y = rng.choice(4, size=n, p=SHARE)
    x = np.stack([silhouette(k, rng) for k in y]).astype("float32")[..., None]
    return x, y


def build():
    return keras.Sequential([
        keras.Input((SIZE, SIZE, 1)),
        layers.Conv2D(12, 3, padding="same", use_bias=False), layers.BatchNormalization(), layers.ReLU(),
        layers.MaxPooling2D(),
        layers.Conv2D(24, 3, padding="same", use_bias=False), layers.BatchNormalization(), layers.ReLU(),
        layers.GlobalAveragePooling2D(),
        layers.Dense(4, activation="softmax"),
    ])


class Log(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        print(f"epoch {epoch + 1}: " + "  ".join(f"{k} {float(v):.4f}" for k, v in logs.items()))


def main():
    rng = np.random.default_rng(12)
    (x_tr, y_tr), (x_va, y_va), (x_te, y_te) = make(1200, rng), make(300, rng), make(400, rng)
    mean, std = x_tr.mean(), x_tr.std()
    x_tr, x_va, x_te = [(a - mean) / std for a in (x_tr, x_va, x_te)]
    counts = np.bincount(y_tr, minlength=4)
    class_weight = {i: len(y_tr) / (4 * c) for i, c in enumerate(counts)}
    print("class counts:", dict(zip(NAMES, counts.tolist())))

    model = build()
    model.compile(
        optimizer=keras.optimizers.Adam(3e-3),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        metrics=["accuracy"],
    )
    model.fit(
        x_tr, keras.utils.to_categorical(y_tr, 4), batch_size=32, epochs=8, verbose=0,
        validation_data=(x_va, keras.utils.to_categorical(y_va, 4)),
        class_weight=class_weight,
        callbacks=[Log(), keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=2)],
    )
    pred = model.predict(x_te, verbose=0).argmax(1)
    print(f"test accuracy {np.mean(pred == y_te):.4f}")
    print(f"balanced accuracy {balanced_accuracy_score(y_te, pred):.4f}")


if __name__ == "__main__":
    main()
