import os

os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np
from sklearn.datasets import make_classification
from sklearn.metrics import f1_score, recall_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

keras.utils.set_random_seed(7)
BATCH = 128

X, y = make_classification(n_samples=9000, n_features=18, n_informative=6, n_redundant=4, n_clusters_per_class=2,
                           weights=[0.97], class_sep=1.0, flip_y=0.0, random_state=7)
X_tr, X_te, y_tr, y_te = train_test_split(X, y, test_size=0.3, stratify=y, random_state=7)
scaler = StandardScaler().fit(X_tr)
X_tr, X_te = scaler.transform(X_tr).astype("float32"), scaler.transform(X_te).astype("float32")
print("transactions", len(X_tr), "fraud rate", round(float(y_tr.mean()), 4))

inputs = keras.Input((X_tr.shape[1],))
h = keras.layers.Dense(24, activation="relu")(inputs)
h = keras.layers.Dropout(0.1)(h)
h = keras.layers.Dense(12, activation="relu")(h)
outputs = keras.layers.Dense(1, activation="sigmoid")(h)
model = keras.Model(inputs, outputs)
model.compile(optimizer=keras.optimizers.Adam(2e-3), loss="binary_crossentropy", metrics=["accuracy"])

n_fraud = y_tr.sum()
class_weight = {0: len(y_tr) / (2.0 * (len(y_tr) - n_fraud)), 1: len(y_tr) / (2.0 * n_fraud)}


class Report(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        p = model.predict(X_te, batch_size=1024, verbose=0)[:, 0] > 0.5
        print(f"epoch {epoch} loss {logs['loss']:.4f} acc {logs['accuracy']:.4f} "
              f"fraud_recall {recall_score(y_te, p):.3f} f1 {f1_score(y_te, p):.3f}")


model.fit(X_tr, y_tr, batch_size=BATCH, epochs=14, class_weight=class_weight, verbose=0, callbacks=[Report()])
