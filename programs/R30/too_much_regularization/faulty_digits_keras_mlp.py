"""Digits with Keras 3 (torch backend). The last model overfitted a little, so this one has regularization."""
import os

os.environ["KERAS_BACKEND"] = "torch"
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras
import numpy as np
from keras import layers, regularizers
from sklearn.datasets import load_digits
from sklearn.metrics import classification_report
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(2)

EPOCHS = 20
BATCH = 64
L2 = 0.1
DROPOUT = 0.5


def prepare():
    digits = load_digits()
    x = digits.data.astype("float32")
    y = digits.target.astype("int64")
    x_train, x_val, y_train, y_val = train_test_split(x, y, test_size=0.25, stratify=y, random_state=10)
    norm_mean, norm_std = x_train.mean(), x_train.std()
    return (x_train - norm_mean) / norm_std, y_train, (x_val - norm_mean) / norm_std, y_val


def dense_block(x, units):
    x = layers.Dense(units, activation="relu", kernel_regularizer=regularizers.l2(L2))(x)
    return layers.Dropout(DROPOUT)(x)


def build_model():
    inputs = keras.Input(shape=(64,))
    x = dense_block(inputs, 128)
    x = dense_block(x, 64)
    x = dense_block(x, 32)
    outputs = layers.Dense(10, activation="softmax", kernel_regularizer=regularizers.l2(L2))(x)
    return keras.Model(inputs, outputs)


class PrintEpoch(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        print(f"epoch {epoch + 1:2d}  loss {logs['loss']:.4f}  acc {logs['accuracy']:.4f}  "
              f"val_loss {logs['val_loss']:.4f}  val_acc {logs['val_accuracy']:.4f}")


def main():
    x_train, y_train, x_val, y_val = prepare()
    model = build_model()
    print("parameters:", model.count_params())
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=1e-3),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.fit(
        x_train, y_train,
        validation_data=(x_val, y_val),
        epochs=EPOCHS, batch_size=BATCH, verbose=0,
        callbacks=[PrintEpoch()],
    )
    pred = np.argmax(model.predict(x_val, verbose=0), axis=1)
    print(classification_report(y_val, pred, zero_division=0))
    print(f"validation accuracy: {np.mean(pred == y_val):.4f}")


if __name__ == "__main__":
    main()
