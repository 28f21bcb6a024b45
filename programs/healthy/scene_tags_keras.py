import os

os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np
from keras import layers
from sklearn.metrics import average_precision_score

keras.utils.set_random_seed(9)
TAGS, SIZE = 8, 16


def scenes(n, seed):
    """Grey scenes that carry from none to three of eight small patterns."""
    rng = np.random.default_rng(seed)
    stamps = (np.random.default_rng(99).random((TAGS, 4, 4)) > 0.5).astype(float) * 2 - 1
    x = rng.normal(0, 0.35, (n, SIZE, SIZE))
    y = np.zeros((n, TAGS), "float32")
    for i in range(n):
        for t in rng.choice(TAGS, rng.integers(0, 4), replace=False):
            r, c = rng.integers(0, SIZE - 4, 2)
            x[i, r:r + 4, c:c + 4] += stamps[t]
            y[i, t] = 1
    return x[..., None].astype("float32"), y


x_train, y_train = scenes(2500, 0)
x_val, y_val = scenes(500, 1)

inp = keras.Input((SIZE, SIZE, 1))
h = layers.Conv2D(32, 4, use_bias=False)(inp)
h = layers.BatchNormalization()(h)
h = layers.ReLU()(h)
h = layers.Conv2D(32, 1, use_bias=False)(h)
h = layers.BatchNormalization()(h)
h = layers.ReLU()(h)
h = layers.GlobalMaxPooling2D()(h)
h = layers.Dropout(0.1)(h)
out = layers.Dense(TAGS)(h)
model = keras.Model(inp, out)

epochs, batch = 14, 50
schedule = keras.optimizers.schedules.CosineDecay(5e-3, decay_steps=epochs * len(x_train) // batch)
model.compile(optimizer=keras.optimizers.Adam(schedule), loss=keras.losses.BinaryCrossentropy(from_logits=True))


class MeanAP(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        scores = model.predict(x_val, batch_size=250, verbose=0)
        ap = average_precision_score(y_val, scores, average="macro")
        print(f"epoch {epoch} loss {logs['loss']:.4f} positives {y_train.mean():.3f} val_map {ap:.4f}")


model.fit(x_train, y_train, batch_size=batch, epochs=epochs, verbose=0, callbacks=[MeanAP()])
