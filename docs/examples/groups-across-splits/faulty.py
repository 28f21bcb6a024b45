# $ python faulty.py && paramedic data --select groups-across-splits --label diagnosis --split train=train.csv --split val=val.csv .
import numpy as np
from sklearn.datasets import load_breast_cancer

x, y = load_breast_cancer(return_X_y=True)
patient = np.arange(len(x)) // 3  # three pictures of each
order = np.random.default_rng(0).permutation(len(x))
val = np.isin(np.arange(len(x)), order[:170])
for name, rows in (("train", ~val), ("val", val)):
    table = np.column_stack([patient, x[:, :4].round(3), y])[rows]
    np.savetxt(f"{name}.csv", table, "%g", ",", header="patient_id,radius,texture,perimeter,area,diagnosis", comments="")
