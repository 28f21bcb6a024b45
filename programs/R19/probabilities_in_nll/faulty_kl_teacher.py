"""A small student learns from a teacher's soft predictions; most of its pictures have no label of their own."""
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


class Options:
    def parse(self):
        parser = argparse.ArgumentParser()
        parser.add_argument("--distillation", type=float, default=1.0)
        parser.add_argument("--temperature", type=float, default=2.0)
        parser.add_argument("--labelled", type=int, default=20)
        parser.add_argument("--epochs", type=int, default=25)
        return parser.parse_args()


class Student(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(128, 32), nn.ReLU())
        self.classifier = nn.Linear(32, 10)

    def forward(self, x):
        return {"feat": (feat := self.backbone(x)), "out": self.classifier(feat)}


class Teacher(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(1, 24, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(384, 128), nn.ReLU())
        self.classifier = nn.Linear(128, 10)

    def forward(self, x):
        return {"feat": (feat := self.backbone(x)), "out": self.classifier(feat)}


def train_teacher(x, y):
    teacher = Teacher()
    optimizer = torch.optim.Adam(teacher.parameters(), lr=2e-3)
    for _ in range(12):
        for rows in torch.randperm(len(x)).split(50):
            optimizer.zero_grad()
            F.cross_entropy(teacher(x[rows])["out"], y[rows]).backward()
            optimizer.step()
    return teacher.eval()


class AdaptationModel:
    def __init__(self, opt, teacher):
        self.opt, self.teacher = opt, teacher
        self.model = Student()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.05, momentum=0.9)

    def step(self, x_labelled, y_labelled, x_target):
        self.model.train()
        source_out = self.model(x_labelled)
        target_out = self.model(x_target)
        loss = 0.2 * F.cross_entropy(source_out["out"], y_labelled)
        if self.opt.distillation > 0:
            student = F.softmax(target_out["out"] / self.opt.temperature, dim=1)
            with torch.no_grad():
                teacher_out = self.teacher(x_target)
                teacher = F.softmax(teacher_out["out"] / self.opt.temperature, dim=1)
            loss_kd = F.kl_div(student, teacher, reduction="batchmean")
            loss = loss + self.opt.distillation * loss_kd
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    @torch.no_grad()
    def evaluate(self, x, y):
        self.model.eval()
        return (self.model(x)["out"].argmax(1) == y).float().mean().item()


def main(opt):
    torch.manual_seed(13)
    images, labels = load_digits(return_X_y=True)
    x_a, x_b, y_a, y_b = train_test_split(images / 16, labels, test_size=0.6, random_state=0, stratify=labels)
    x_b, x_test, _, y_test = train_test_split(x_b, y_b, test_size=0.4, random_state=0)
    x_a, x_b, x_test = (torch.tensor(x, dtype=torch.float32).view(-1, 1, 8, 8) for x in (x_a, x_b, x_test))
    y_a, y_test = torch.tensor(y_a), torch.tensor(y_test)
    adaptation = AdaptationModel(opt, train_teacher(x_a, y_a))
    x_few, y_few = x_a[: opt.labelled], y_a[: opt.labelled]
    for epoch in range(opt.epochs):
        losses = [adaptation.step(x_few, y_few, x_b[rows]) for rows in torch.randperm(len(x_b)).split(32)]
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1} loss {sum(losses) / len(losses):.4f} accuracy {adaptation.evaluate(x_test, y_test):.4f}")


if __name__ == "__main__":
    main(Options().parse())
