"""Knowledge distillation on the 8x8 digits: a conv teacher and a small student."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.manual_seed(1)
T = 4.0        # softmax temperature
ALPHA = 0.7    # weight of the soft part


def batches(x, y, size):
    order = torch.randperm(len(x))
    for i in range(0, len(x), size):
        j = order[i:i + size]
        yield x[j], y[j]


class Teacher(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
            nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * 4, 10),
        )

    def forward(self, x):
        return self.net(x)


class Student(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 10))

    def forward(self, x):
        return self.net(x)


def test_acc(model, x, y):
    model.eval()
    with torch.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


def distill_loss(student_logits, teacher_logits, y):
    soft = F.kl_div(
        F.log_softmax(student_logits / T, dim=1),
        F.softmax(teacher_logits / T, dim=1),
        reduction="batchmean",
    ) * T * T
    hard = F.cross_entropy(student_logits, y)
    return ALPHA * soft + (1 - ALPHA) * hard


def main():
    digits = load_digits()
    x = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16.0
    y = torch.tensor(digits.target)
    idx_train, idx_test = train_test_split(range(len(x)), test_size=0.25, stratify=digits.target, random_state=0)
    x_train, y_train, x_test, y_test = x[idx_train], y[idx_train], x[idx_test], y[idx_test]

    teacher = Teacher()
    opt = torch.optim.Adam(teacher.parameters(), lr=2e-3)
    for epoch in range(8):
        teacher.train()
        total = 0.0
        for xb, yb in batches(x_train, y_train, 64):
            opt.zero_grad()
            loss = F.cross_entropy(teacher(xb), yb)
            loss.backward()
            opt.step()
            total += loss.item() * len(xb)
        print(f"teacher epoch {epoch + 1}: loss {total / len(x_train):.4f}, test acc {test_acc(teacher, x_test, y_test):.4f}")

    # the teacher only gives targets from here on
    teacher.eval()
    for p in teacher.parameters():
        p.requires_grad_(False)

    student = Student()
    opt = torch.optim.Adam(student.parameters(), lr=5e-3)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=40)
    for epoch in range(40):
        student.train()
        total = 0.0
        for xb, yb in batches(x_train, y_train, 64):
            with torch.no_grad():
                soft_targets = teacher(xb)
            loss = distill_loss(student(xb), soft_targets, yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(xb)
        sched.step()
        if (epoch + 1) % 5 == 0:
            print(f"student epoch {epoch + 1}: loss {total / len(x_train):.4f}, student test acc {test_acc(student, x_test, y_test):.4f}")


if __name__ == "__main__":
    main()
