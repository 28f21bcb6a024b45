# $ python faulty.py && paramedic data --select mixed-picture-formats pictures
from pathlib import Path

from PIL import Image
from sklearn.datasets import load_digits

digits = load_digits()
for number in range(300):
    picture = Image.fromarray((digits.images[number] * 15).astype("uint8"))
    picture = picture.convert("RGBA") if number % 60 == 0 else picture  # drawn by another program
    place = Path("pictures") / str(digits.target[number]) / f"{number}.png"
    place.parent.mkdir(parents=True, exist_ok=True)
    picture.save(place)
