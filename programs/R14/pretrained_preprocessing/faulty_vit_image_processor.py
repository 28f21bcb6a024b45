"""Fine-tune a Hugging Face vision transformer on few photographs' patches. The checkpoint is made here, as the machine is offline:
pretraining on eight sources, fine-tuning on four other ones with fifteen patches each."""
import pathlib
import tempfile

import numpy as np
import torch
from skimage import color, data
from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessor

SIZE = 24
SOURCES = {"astronaut": data.astronaut, "chelsea": data.chelsea, "coffee": data.coffee, "rocket": data.rocket, "ihc": data.immunohistochemistry,
           "brick": data.brick, "grass": data.grass, "gravel": data.gravel}
NEW = {"retina": data.retina, "hubble": data.hubble_deep_field, "coins": data.coins, "page": data.page}


def patches(pictures, each, rng):
    images, labels = [], []
    for k, load in enumerate(pictures.values()):
        picture = load()
        if picture.ndim == 2:
            picture = color.gray2rgb(picture)
        for _ in range(each):
            r, c = rng.integers(0, picture.shape[0] - 2 * SIZE), rng.integers(0, picture.shape[1] - 2 * SIZE)
            images.append(picture[r:r + 2 * SIZE:2, c:c + 2 * SIZE:2])
            labels.append(k)
    return images, torch.tensor(labels)


def fit(model, pixel_values, labels, epochs, lr, batch=32):
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    steps = epochs * -(-len(labels) // batch)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps)
    for epoch in range(epochs):
        model.train()
        for idx in torch.randperm(len(labels)).split(batch):
            out = model(pixel_values=pixel_values[idx], labels=labels[idx])
            optimizer.zero_grad()
            out.loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
    return out.loss.item()


@torch.no_grad()
def accuracy(model, pixel_values, labels):
    model.eval()
    return (model(pixel_values=pixel_values).logits.argmax(-1) == labels).float().mean().item()


def make_checkpoint(folder, rng):
    processor = ViTImageProcessor(do_resize=False, size={"height": SIZE, "width": SIZE}, image_mean=[0.5] * 3, image_std=[0.25] * 3)
    images, labels = patches(SOURCES, 150, rng)
    pixel_values = processor(images, return_tensors="pt")["pixel_values"]
    config = ViTConfig(hidden_size=48, num_hidden_layers=2, num_attention_heads=4, intermediate_size=96, image_size=SIZE, patch_size=6,
                       num_labels=len(SOURCES), hidden_dropout_prob=0.0)
    model = ViTForImageClassification(config)
    loss = fit(model, pixel_values, labels, epochs=8, lr=2e-3)
    print(f"pretraining loss {loss:.3f}, accuracy on its own patches {accuracy(model, pixel_values, labels):.3f}")
    model.save_pretrained(folder)
    processor.save_pretrained(folder)


torch.manual_seed(0)
rng = np.random.default_rng(0)
with tempfile.TemporaryDirectory() as folder:
    make_checkpoint(pathlib.Path(folder), rng)
    processor = ViTImageProcessor.from_pretrained(folder, do_rescale=False)
    model = ViTForImageClassification.from_pretrained(folder, num_labels=len(NEW), ignore_mismatched_sizes=True)

for p in model.vit.parameters():
    p.requires_grad = False
images, labels = patches(NEW, 15, rng)
few = processor(images, return_tensors="pt")["pixel_values"]
images, test_labels = patches(NEW, 150, rng)
test = processor(images, return_tensors="pt")["pixel_values"]
print(f"pixel values from {few.min():.2f} to {few.max():.2f}")
for round_ in range(3):
    loss = fit(model, few, labels, epochs=20, lr=1e-2, batch=12)
    print(f"after {20 * (round_ + 1)} epochs: loss {loss:.4f} test accuracy {accuracy(model, test, test_labels):.4f}")
