import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(0)
X, y = load_digits(return_X_y=True)
X_train, X_val, y_train, y_val = train_test_split(
    X.astype("float32") / 16 - 0.3, y, test_size=0.3, random_state=0
)

model = keras.Sequential(
    [
        keras.layers.Input((64,)),
        keras.layers.Dense(48, activation="relu"),
        keras.layers.Dense(10),
    ]
)
model.compile(
    optimizer=keras.optimizers.SGD(0.1, momentum=0.9),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
history = model.fit(X_train, y_train, batch_size=64, epochs=6, validation_data=(X_val, y_val), verbose=0)
print(f"validation accuracy {history.history['val_accuracy'][-1]:.3f}")
