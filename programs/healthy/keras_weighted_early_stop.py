"""Keras 3 on torch: rare failures of a machine, class weights, early stopping on the validation AUC."""
import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
from keras import layers
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(77)
rng = np.random.default_rng(77)
n = 4000
temperature = rng.normal(60, 8, n)
load = rng.gamma(4, 10, n)
hours = rng.uniform(0, 9000, n)
vibration = rng.lognormal(0, 0.5, n) * (1 + load / 80)
machine = rng.integers(0, 4, n)
risk = 0.09 * (temperature - 60) + 0.05 * (load - 40) + 1.6 * np.log(vibration) + hours / 4000 + 0.8 * (machine == 2)
failed = (risk + rng.logistic(0, 0.6, n) > 5.2).astype("float32")
X = np.column_stack([temperature, load, hours, vibration, np.eye(4)[machine]]).astype("float32")
print(f"{failed.mean():.3f} of the rows are failures")

X_train, X_test, y_train, y_test = train_test_split(X, failed, test_size=0.25, stratify=failed, random_state=0)
X_train, X_val, y_train, y_val = train_test_split(X_train, y_train, test_size=0.2, stratify=y_train, random_state=0)
normalizer = layers.Normalization()
normalizer.adapt(X_train)

inputs = keras.Input((X.shape[1],))
h = normalizer(inputs)
h = layers.Dense(48, activation="swish")(h)
h = layers.BatchNormalization()(h)
h = layers.Dropout(0.2)(h)
h = layers.Dense(24, activation="swish")(h)
model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(h))
model.compile(
    optimizer=keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(4e-3, 1200)),
    loss=keras.losses.BinaryCrossentropy(),
    metrics=[keras.metrics.AUC(name="auc")],
)
model.fit(
    X_train, y_train, validation_data=(X_val, y_val), batch_size=64, epochs=30, verbose=2,
    class_weight={0: 0.5 / (1 - y_train.mean()), 1: 0.5 / y_train.mean()},
    callbacks=[keras.callbacks.EarlyStopping("val_auc", mode="max", patience=6, restore_best_weights=True)],
)  # fmt: skip
probability = model.predict(X_test, verbose=0).ravel()
print(f"test AUC {roc_auc_score(y_test, probability):.4f} balanced accuracy {balanced_accuracy_score(y_test, probability > 0.5):.4f}")
