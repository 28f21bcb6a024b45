"""Makes a table and a folder of pictures from scikit-learn's data, with some faults in both."""
import csv
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits, load_wine

generator = np.random.default_rng(0)

wine = load_wine()
rows = [[*map(float, x), int(y)] for x, y in zip(wine.data, wine.target)]
rows += [list(rows[k]) for k in generator.choice(len(rows), 10, replace=False)]
for k in range(50, 54):
    rows[k][12] = -999
rows[30][4] = ""
rows[3] = rows[3][:12]
rows[20][2] = "abc"
with open("badwine.csv", "w", newline="") as file:
    csv.writer(file).writerows([[*wine.feature_names, "class"], *rows])

digits = load_digits()
for k, (picture, label) in enumerate(zip(digits.images, digits.target)):
    folder = Path("digits", str((label + generator.integers(1, 10)) % 10 if generator.random() < 0.08 else label))
    folder.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray((picture * 15).astype(np.uint8))
    (image.convert("RGBA") if k == 0 else image).save(folder / f"{k:04}.png")
files = sorted(Path("digits", "0").glob("*.png"))
files[7].write_bytes(files[7].read_bytes()[:60])
files[8].write_bytes(b"")
Path("digits", "10").mkdir()
