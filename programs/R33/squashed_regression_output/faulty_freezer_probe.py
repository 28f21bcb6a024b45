import os
os.environ.setdefault('KERAS_BACKEND', 'torch')
import numpy as np
import keras
from keras import Model
from keras.layers import Input, Dense

keras.utils.set_random_seed(21)

rng = np.random.default_rng(21)
n = 900
x = rng.normal(size=(n, 3)).astype('float32')
t = -24.0 - 6.5 * x[:, 0] + 2.0 * x[:, 1] ** 2 - 1.5 * x[:, 2] + rng.normal(0, 0.4, n)
y = np.reshape(t, (n, 1)).astype('float32')

x_train, y_train = x[:700], y[:700]
x_test, y_test = x[700:], y[700:]
print('inputs', x_train.shape, 'targets', y_train.shape)

input_1 = Input(shape=(3,))

dense_1 = Dense(32, activation='relu')(input_1)

dense_2 = Dense(16, activation='relu')(dense_1)

dense_3 = Dense(1, activation='relu')(dense_2)

model = Model(inputs=input_1, outputs=dense_3)

model.compile(
    loss=keras.losses.MeanSquaredError(),
    optimizer=keras.optimizers.Adam(0.01),
)

for block in range(6):
    history = model.fit(x_train, y_train, epochs=6, batch_size=32, verbose=0)
    print('epochs', (block + 1) * 6, 'loss', round(history.history['loss'][-1], 3))

pred = model.predict(x_test, verbose=0)
print('some predictions', np.round(pred[:5, 0], 2).tolist())
print('some targets    ', np.round(y_test[:5, 0], 2).tolist())
ss = float(((pred - y_test) ** 2).sum())
r2 = 1 - ss / float(((y_test - y_test.mean()) ** 2).sum())
print(f'final test R2: {r2:.3f}')
