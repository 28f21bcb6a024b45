import lightning.pytorch as pl
import torch
import torch.nn as nn
from lightning.pytorch.callbacks import Callback, EarlyStopping
from torch.utils.data import DataLoader, TensorDataset

# inverse kinematics of a planar three-link arm: where is the hand, given the joint angles (and which way it points)?
LINKS = torch.tensor([1.0, 0.8, 0.5])


def forward_kinematics(angles):
    total = angles.cumsum(1)
    x = (LINKS * total.cos()).sum(1)
    y = (LINKS * total.sin()).sum(1)
    return torch.stack([x, y, total[:, -1].cos(), total[:, -1].sin()], 1)


def arm_data(n, g):
    angles = (torch.rand(n, 3, generator=g) * 2 - 1) * torch.tensor([3.1, 2.5, 2.5])
    pose = forward_kinematics(angles)
    return TensorDataset(angles, pose + 0.01 * torch.randn(pose.shape, generator=g))


class ArmModule(pl.LightningModule):
    def __init__(self, hidden=64, lr=3e-3):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(
            nn.Linear(3, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, 4))
        self.loss = nn.MSELoss()

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, _):
        loss = self.loss(self(batch[0]), batch[1])
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, _):
        self.log("val_loss", self.loss(self(batch[0]), batch[1]), on_epoch=True)

    def test_step(self, batch, _):
        self.log("test_loss", self.loss(self(batch[0]), batch[1]), on_epoch=True)

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.hparams.lr)


class Printer(Callback):
    def on_validation_epoch_end(self, trainer, module):
        print(f"epoch {trainer.current_epoch} val_loss {trainer.callback_metrics['val_loss']:.4f}")


if __name__ == "__main__":
    pl.seed_everything(18)
    g = torch.Generator().manual_seed(18)
    train, val, test = arm_data(3000, g), arm_data(500, g), arm_data(500, g)
    stopper = EarlyStopping(monitor="val_loss", min_delta=0.05, patience=2)
    trainer = pl.Trainer(
        max_epochs=25, accelerator="cpu", callbacks=[stopper, Printer()], logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0)
    model = ArmModule()
    trainer.fit(model, DataLoader(train, 64, shuffle=True), DataLoader(val, 250))
    print("stopped after epoch", trainer.current_epoch)
    result = trainer.test(model, DataLoader(test, 250), verbose=False)
    print(f"test mse {result[0]['test_loss']:.4f}")
