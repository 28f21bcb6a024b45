# $ python faulty.py && paramedic data --select unreadable-samples pictures
from pathlib import Path

from PIL import Image
from sklearn.datasets import load_digits

digits = load_digits()
for number in range(300):
    picture = Image.fromarray((digits.images[number] * 15).astype("uint8"))
    place = Path("pictures") / str(digits.target[number]) / f"{number}.png"
    place.parent.mkdir(parents=True, exist_ok=True)
    picture.save(place)
    place.write_bytes(place.read_bytes()[: 40 if number % 60 == 0 else None])  # the disk was full
