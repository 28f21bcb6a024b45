import os
os.environ.setdefault('KERAS_BACKEND', 'torch')
import numpy as np
import keras
from keras.models import Sequential
from keras.layers import Dense, Input
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(38)

input_nodes = 64
hl1_nodes = 48
output_nodes = 10

digits = load_digits()
X_train, X_test, y_train, y_test = train_test_split(
    digits.images, digits.target, test_size=0.25, random_state=38, stratify=digits.target)

X_train_reshaped = X_train.reshape(X_train.shape[0], input_nodes).astype('float32') / 16.0
X_test_reshaped = X_test.reshape(X_test.shape[0], input_nodes).astype('float32') / 16.0
print(X_train_reshaped.shape, X_test_reshaped.shape, np.unique(y_train))

model = Sequential()
model.add(Input(shape=(input_nodes,)))
model.add(Dense(hl1_nodes, activation='relu'))
model.add(Dense(output_nodes))

model.compile(optimizer='adam',
              loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
              metrics=['accuracy'])

history = model.fit(x=X_train_reshaped, y=y_train,
                    validation_split=0.33,
                    verbose=0,
                    epochs=30)

for e in range(0, 30, 5):
    print('Epoch {}/30 - loss: {:.4f} - acc: {:.4f} - val_loss: {:.4f} - val_acc: {:.4f}'.format(
        e + 1, history.history['loss'][e], history.history['accuracy'][e],
        history.history['val_loss'][e], history.history['val_accuracy'][e]))

test_loss, test_acc = model.evaluate(X_test_reshaped, y_test, verbose=0)
print('test loss {:.4f}'.format(test_loss))
print('final test accuracy: {:.3f}'.format(test_acc))
