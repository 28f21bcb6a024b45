# Delivery time of a parcel from its route (a sequence of depots) and a few numbers. Keras functional API on torch.
import os

os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np
from keras import layers, ops

keras.utils.set_random_seed(8)
rng = np.random.default_rng(8)
DEPOTS, STEPS, N = 20, 6, 3000

delay = rng.gamma(2.0, 1.5, DEPOTS)
length = rng.integers(2, STEPS + 1, N)
route = np.zeros((N, STEPS), dtype="int32")
for r, n in zip(route, length):
    r[:n] = rng.integers(1, DEPOTS + 1, n)
weight = rng.lognormal(0.5, 0.8, N)
express = rng.random(N) < 0.3
weekend = rng.random(N) < 2 / 7
hours = 6 + np.where(route > 0, delay[route - 1] * 2 + 3, 0).sum(1)
hours = hours * np.where(express, 0.6, 1.0) + 18 * (weekend & ~express) + 1.5 * np.log1p(weight) + rng.normal(0, 1.5, N)

numbers = np.column_stack([np.log(weight), express, weekend]).astype("float32")
i_train, i_val, i_test = np.split(rng.permutation(N), [2000, 2400])
norm = layers.Normalization()
norm.adapt(numbers[i_train])

route_in = keras.Input((STEPS,), dtype="int32", name="route")
numbers_in = keras.Input((3,), name="numbers")
emb = layers.Embedding(DEPOTS + 1, 8, name="depot")(route_in)
mask = ops.expand_dims(ops.cast(ops.not_equal(route_in, 0), "float32"), -1)
steps = layers.Dense(16, activation="relu")(emb) * mask
summed = ops.sum(steps, axis=1)
h = layers.Concatenate()([summed, norm(numbers_in), ops.sum(mask, axis=1)])
h = layers.Dense(48, activation="swish")(h)
h = layers.Dense(24, activation="swish")(h)
mean, scale = hours[i_train].mean(), hours[i_train].std()
out = layers.Rescaling(float(scale), offset=float(mean))(layers.Dense(1)(h))
model = keras.Model([route_in, numbers_in], out)
model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(5e-3, 20 * 40)), loss=keras.losses.LogCosh(),
              metrics=[keras.metrics.MeanAbsoluteError(name="mae")])


def pack(i):
    return {"route": route[i], "numbers": numbers[i]}, hours[i].astype("float32")[:, None]


x, y = pack(i_train)
log = model.fit(x, y, validation_data=pack(i_val), batch_size=50, epochs=20, verbose=0,
                callbacks=[keras.callbacks.TerminateOnNaN()])
for e in range(3, 20, 4):
    print(f"epoch {e + 1}: mae {log.history['mae'][e]:.3f} val_mae {log.history['val_mae'][e]:.3f}")
x, y = pack(i_test)
p = model.predict(x, verbose=0)
print(f"test MAE {np.abs(p - y).mean():.3f} h, mean as the forecast {np.abs(y - hours[i_train].mean()).mean():.3f} h, "
      f"R2 {1 - ((p - y) ** 2).sum() / ((y - y.mean()) ** 2).sum():.4f}")
