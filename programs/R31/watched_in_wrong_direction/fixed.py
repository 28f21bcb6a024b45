import lightning as L
import torch
from lightning.pytorch.callbacks import EarlyStopping
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


class Rows(L.LightningModule):
    """Reads a picture row by row."""

    def __init__(self, hidden=40, lr=1e-3):
        super().__init__()
        self.save_hyperparameters()
        self.rnn = nn.GRU(8, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 10)

    def forward(self, x):
        return self.out(self.rnn(x)[0][:, -1])

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = F.cross_entropy(self(x), y)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        x, y = batch
        logits = self(x)
        self.log_dict({"val_loss": F.cross_entropy(logits, y), "val_acc": (logits.argmax(1) == y).float().mean()})

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.hparams.lr)


def main():
    L.seed_everything(7)
    x, y = load_digits(return_X_y=True)
    x = torch.tensor(x, dtype=torch.float32).view(-1, 8, 8) / 16
    train_x, val_x, train_y, val_y = train_test_split(x, torch.tensor(y), test_size=0.25, random_state=7)
    train = DataLoader(TensorDataset(train_x, train_y), batch_size=32, shuffle=True)
    val = DataLoader(TensorDataset(val_x, val_y), batch_size=225)
    model = Rows()
    stopping = EarlyStopping("val_acc", patience=5, mode="max")
    trainer = L.Trainer(
        max_epochs=40, accelerator="cpu", callbacks=[stopping], logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(model, train, val)
    score = trainer.validate(model, val, verbose=False)[0]["val_acc"]
    print(f"{trainer.current_epoch} epochs, validation accuracy {score:.3f}")


if __name__ == "__main__":
    main()
