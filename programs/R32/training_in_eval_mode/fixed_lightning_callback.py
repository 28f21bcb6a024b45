"""Wine regions with Lightning; a callback shows what the network says about a few bottles."""
import logging
import warnings

import lightning as L
import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


class Regions(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.BatchNorm1d(13), nn.Linear(13, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 3)
        )
        self.scores = []

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, number):
        x, y = batch
        return nn.functional.cross_entropy(self(x), y)

    def validation_step(self, batch, number):
        x, y = batch
        logits = self(x)
        self.scores.append((nn.functional.cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()))

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=5e-3)


class ShowExamples(L.Callback):
    def __init__(self, rows, every=10):
        self.rows, self.every = rows, every

    def show(self, module, when):
        module.eval()
        with torch.no_grad():
            probabilities = module(self.rows).softmax(1)
        print(when, [f"{p:.2f}" for p in probabilities.max(1).values.tolist()])
        module.train()

    def on_fit_start(self, trainer, pl_module):
        self.show(pl_module, "before")

    def on_train_end(self, trainer, pl_module):
        self.show(pl_module, "after")


L.seed_everything(5, verbose=False)
x, y = load_wine(return_X_y=True)
x, x_val, y, y_val = train_test_split(x, y, test_size=0.3, stratify=y, random_state=5)
x, x_val = torch.tensor(x, dtype=torch.float32), torch.tensor(x_val, dtype=torch.float32)
train = DataLoader(TensorDataset(x, torch.tensor(y)), batch_size=20, shuffle=True, drop_last=True)
valid = DataLoader(TensorDataset(x_val, torch.tensor(y_val)), batch_size=54)
model = Regions()
trainer = L.Trainer(
    max_epochs=25, callbacks=[ShowExamples(x_val[:4])], logger=False, enable_checkpointing=False,
    enable_progress_bar=False, enable_model_summary=False, accelerator="cpu",
)  # fmt: skip
trainer.fit(model, train, valid)
loss, accuracy = model.scores[-1]
print(f"validation loss {loss:.4f} accuracy {accuracy:.4f}")
