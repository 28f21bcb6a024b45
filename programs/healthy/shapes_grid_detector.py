"""One-stage detector on a 6x6 grid: objectness, box and class losses as in YOLO, on drawn shapes."""
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

GRID, SIZE, CLASSES = 6, 48, 3
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def draw(rng):
    image = 0.15 * torch.rand(3, SIZE, SIZE, generator=rng)
    target = torch.zeros(5 + CLASSES, GRID, GRID)
    ys, xs = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    for _ in range(int(torch.randint(1, 4, (), generator=rng))):
        kind = int(torch.randint(CLASSES, (), generator=rng))
        w, h = (8 + 10 * torch.rand(2, generator=rng)).tolist()
        cx, cy = (10 + (SIZE - 20) * torch.rand(2, generator=rng)).tolist()
        column, row = int(cx / SIZE * GRID), int(cy / SIZE * GRID)
        if target[0, row, column]:
            continue
        dx, dy = (xs - cx).abs() / (w / 2), (ys - cy).abs() / (h / 2)
        inside = [(dx < 1) & (dy < 1), dx ** 2 + dy ** 2 < 1, dx + dy < 1][kind]
        colour = 0.4 + 0.6 * torch.rand(3, 1, generator=rng)
        image[:, inside] = colour
        target[:5, row, column] = torch.tensor([1, cx / SIZE * GRID - column, cy / SIZE * GRID - row, w / SIZE, h / SIZE])
        target[5 + kind, row, column] = 1
    return image, target


class Shapes(Dataset):
    def __init__(self, count, seed):
        rng = torch.Generator().manual_seed(seed)
        self.samples = [draw(rng) for _ in range(count)]

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        return self.samples[index]


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        layers, channels = [], 3
        for width in (16, 32, 64):
            layers += [nn.Conv2d(channels, width, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(width), nn.LeakyReLU(0.1),
                       nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.LeakyReLU(0.1)]
            channels = width
        self.backbone = nn.Sequential(*layers)
        self.head = nn.Conv2d(channels, 5 + CLASSES, 1)
        nn.init.constant_(self.head.bias[:1], -3.0)

    def forward(self, x):
        return self.head(self.backbone(x))


def detection_loss(output, target):
    mask = target[:, 0] > 0
    objectness = F.binary_cross_entropy_with_logits(output[:, 0], target[:, 0])
    predicted, wanted = output.permute(0, 2, 3, 1)[mask], target.permute(0, 2, 3, 1)[mask]
    box = F.smooth_l1_loss(torch.sigmoid(predicted[:, 1:5]), wanted[:, 1:5], beta=0.1)
    label = F.cross_entropy(predicted[:, 5:], wanted[:, 5:].argmax(1))
    return objectness, box, label


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    found, right, truth, offset = 0, 0, 0, []
    for images, target in loader:
        output, target = model(images.to(device)), target.to(device)
        mask = target[:, 0] > 0
        hit = (torch.sigmoid(output[:, 0]) > 0.5) & mask
        truth, found = truth + mask.sum().item(), found + hit.sum().item()
        right += (output[:, 5:].argmax(1) == target[:, 5:].argmax(1))[hit].sum().item()
        offset.append((torch.sigmoid(output[:, 1:5]) - target[:, 1:5]).abs().permute(0, 2, 3, 1)[mask].mean().item())
    return found / truth, right / max(found, 1), sum(offset) / len(offset)


torch.manual_seed(0)
train_loader = DataLoader(Shapes(800, 0), batch_size=32, shuffle=True)
test_loader = DataLoader(Shapes(200, 1), batch_size=100)
model = Detector().to(device)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for epoch in range(12):
    model.train()
    totals = torch.zeros(3)
    for images, target in train_loader:
        objectness, box, label = detection_loss(model(images.to(device)), target.to(device))
        loss = 5.0 * objectness + 5.0 * box + label
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimizer.step()
        totals += torch.stack([objectness, box, label]).detach().cpu()
    recall, accuracy, offset = evaluate(model, test_loader)
    parts = " ".join(f"{value:.3f}" for value in totals / len(train_loader))
    print(f"epoch {epoch + 1:2d} obj/box/cls {parts} | recall {recall:.3f} class accuracy {accuracy:.3f} box error {offset:.3f}")
