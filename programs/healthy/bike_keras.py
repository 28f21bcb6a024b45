import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(0)
rng = np.random.default_rng(0)

# --- hourly bike counts of 20 stations ---------------------------------------
N, STATIONS = 6000, 20
hour = rng.integers(0, 24, N)
weekday = rng.integers(0, 7, N)
temp = rng.normal(14, 8, N)
rain = rng.exponential(0.6, N) * (rng.random(N) < 0.3)
station = rng.integers(0, STATIONS, N)
size = rng.lognormal(0, 0.5, STATIONS)

commute = np.exp(-((hour - 8) ** 2) / 4) + np.exp(-((hour - 17) ** 2) / 6)
leisure = np.exp(-((hour - 14) ** 2) / 18)
rate = np.where(weekday < 5, 3 * commute + 0.6 * leisure, 1.8 * leisure) + 0.15
rate = rate * np.clip(0.3 + temp / 22, 0.1, 1.6) * np.exp(-0.7 * rain) * size[station] * 20
count = rng.poisson(rate)

numeric = np.column_stack([
    np.sin(2 * np.pi * hour / 24), np.cos(2 * np.pi * hour / 24),
    np.sin(4 * np.pi * hour / 24), np.cos(4 * np.pi * hour / 24),
    weekday >= 5, (temp - 14) / 8, np.log1p(rain),
]).astype("float32")
target = np.log1p(count).astype("float32")

n_train = 4800
train = {"numeric": numeric[:n_train], "station": station[:n_train]}
test = {"numeric": numeric[n_train:], "station": station[n_train:]}
y_train, y_test = target[:n_train], target[n_train:]
offset = y_train.mean()

# --- model -------------------------------------------------------------------
inp_num = keras.Input(shape=(numeric.shape[1],), name="numeric")
inp_station = keras.Input(shape=(), dtype="int32", name="station")
e = layers.Embedding(STATIONS, 4, name="station_vec")(inp_station)
x = layers.Concatenate()([inp_num, e])
x = layers.Dense(64, activation="relu")(x)
x = layers.Dense(64, activation="relu")(x)
x = layers.Dense(1)(x)
out = layers.Rescaling(1.0, offset=float(offset))(x)
model = keras.Model([inp_num, inp_station], out, name="bikes")

model.compile(
    optimizer=keras.optimizers.Adam(4e-3),
    loss="mean_squared_error",
    metrics=["mae"],
)

callbacks = [
    keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.3, patience=2, min_lr=1e-5),
    keras.callbacks.EarlyStopping(monitor="val_loss", patience=5, restore_best_weights=True),
]
model.fit(
    train,
    y_train,
    validation_split=0.15,
    epochs=10,
    batch_size=128,
    callbacks=callbacks,
    verbose=2,
)

pred = model.predict(test, verbose=0).ravel()
mae_bikes = np.abs(np.expm1(pred) - np.expm1(y_test)).mean()
r2 = 1 - ((pred - y_test) ** 2).sum() / ((y_test - y_test.mean()) ** 2).sum()
print(f"mean abs error {mae_bikes:.2f} bikes")
print(f"test R2 (log counts): {r2:.3f}")
