"""Rides per hour with Keras: the output is a logarithm of a rate, the loss is Poisson's."""
import os

os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np

keras.utils.set_random_seed(15)
rng = np.random.default_rng(15)
n = 3000
hour, day, rain, warm = rng.integers(0, 24, n), rng.integers(0, 7, n), rng.exponential(0.6, n), rng.normal(0, 1, n)
rush = np.exp(-0.5 * ((hour - 8) / 1.5) ** 2) + np.exp(-0.5 * ((hour - 18) / 2.0) ** 2)
rate = np.exp(0.8 + 1.6 * rush * (day < 5) + 0.9 * (day >= 5) * np.sin(np.pi * hour / 24) - 0.5 * rain + 0.3 * warm)
rides = rng.poisson(rate).astype("float32")
table = np.column_stack([np.eye(24)[hour], np.eye(7)[day], rain, warm]).astype("float32")

model = keras.Sequential([
    keras.layers.Input((33,)),
    keras.layers.Dense(48, activation="relu"),
    keras.layers.Dense(24, activation="relu"),
    keras.layers.Dense(1, bias_initializer=keras.initializers.Constant(float(np.log(rides[:2300].mean())))),
])


def poisson_from_log(y_true, y_pred):
    return keras.ops.mean(keras.ops.exp(y_pred) - y_true * y_pred, axis=-1)


model.compile(keras.optimizers.Adam(4e-3), loss=poisson_from_log)
model.fit(table[:2300], rides[:2300, None], batch_size=64, epochs=14, shuffle=True, verbose=0)
predicted = np.exp(model.predict(table[2300:], verbose=0)[:, 0])
wanted = rides[2300:]


def deviance(mean):
    return 2 * np.mean(np.where(wanted > 0, wanted * np.log(np.maximum(wanted, 1) / mean), 0) - wanted + mean)


print(f"deviance of the mean {deviance(rides[:2300].mean()):.4f}")
print(f"held-out deviance {deviance(predicted):.4f}")
