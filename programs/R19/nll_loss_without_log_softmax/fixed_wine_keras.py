import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
from keras import layers
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(7)

N_CLASSES = 6
FEATURES = [
    "fixed_acidity", "volatile_acidity", "citric_acid", "residual_sugar",
    "chlorides", "free_so2", "total_so2", "density", "ph", "sulphates",
    "alcohol", "color_intensity",
]


def load_table():
    """Wine samples from six cellars, 12 lab measurements each."""
    X, y = make_classification(
        n_samples=3000, n_features=len(FEATURES), n_informative=9, n_redundant=2,
        n_classes=N_CLASSES, n_clusters_per_class=1, class_sep=1.6, flip_y=0.01,
        random_state=3,
    )
    scale = np.linspace(0.3, 8.0, len(FEATURES))
    X = X * scale + np.linspace(1, 60, len(FEATURES))
    return X.astype("float32"), y.astype("int64")


X, y = load_table()
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, stratify=y, random_state=0)
scaler = StandardScaler()
X_train = scaler.fit_transform(X_train)
X_test = scaler.transform(X_test)
print("train", X_train.shape, "test", X_test.shape)


def build_model():
    inputs = keras.Input(shape=(len(FEATURES),))
    x = layers.Dense(64, activation="relu")(inputs)
    x = layers.Dropout(0.1)(x)
    x = layers.Dense(32, activation="relu")(x)
    outputs = layers.Dense(N_CLASSES)(x)
    return keras.Model(inputs, outputs, name="cellar_classifier")


model = build_model()
model.summary()

model.compile(
    optimizer=keras.optimizers.Adam(learning_rate=2e-3),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)

history = model.fit(
    X_train,
    y_train,
    validation_split=0.1,
    epochs=8,
    batch_size=64,
    verbose=2,
)

loss, acc = model.evaluate(X_test, y_test, verbose=0)
pred = model.predict(X_test, verbose=0).argmax(axis=1)
for c in range(N_CLASSES):
    m = y_test == c
    print(f"cellar {c}: {int(m.sum())} samples, recall {(pred[m] == c).mean():.3f}")
print(f"test accuracy: {acc:.3f}")
