"""Keyword spotting on synthetic sounds: log spectrograms inside the model, SpecAugment, gradient accumulation, bfloat16 autocast."""
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
RATE, LENGTH = 4000, 4000
# each word is a sequence of three sounds (a frequency, or None for noise)
WORDS = {"yes": (300, 700, None), "no": (500, 350, 250), "stop": (None, 600, 450), "go": (250, 450, 450), "left": (700, None, 300)}


def speak(word, generator):
    wave, pitch = torch.zeros(LENGTH), 0.8 + 0.4 * torch.rand((), generator=generator)
    position = int(torch.randint(0, 1200, (), generator=generator))
    for sound in WORDS[word]:
        n = int(torch.randint(600, 900, (), generator=generator))
        t = torch.arange(n) / RATE
        if sound is None:
            piece = 0.5 * torch.randn(n, generator=generator)
        else:
            piece = torch.sin(6.2832 * sound * pitch * t) + 0.4 * torch.sin(6.2832 * 2 * sound * pitch * t)
        wave[position:position + n] += (piece * torch.hann_window(n))[: LENGTH - position]
        position += n
    loudness = 0.2 + torch.rand((), generator=generator)
    return loudness * wave + 0.05 * torch.randn(LENGTH, generator=generator)


class Keywords(Dataset):
    def __init__(self, count, seed):
        generator = torch.Generator().manual_seed(seed)
        names = list(WORDS)
        self.labels = torch.randint(len(names), (count,), generator=generator)
        self.waves = torch.stack([speak(names[label], generator) for label in self.labels])

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.waves[i], self.labels[i]


class LogSpectrogram(nn.Module):
    def __init__(self, size=128, hop=64):
        super().__init__()
        self.size, self.hop = size, hop
        self.register_buffer("window", torch.hann_window(size))

    def forward(self, wave):
        spectrum = torch.stft(wave, self.size, self.hop, window=self.window, return_complex=True).abs()
        spectrum = torch.log(spectrum + 1e-2)
        spectrum = (spectrum - spectrum.mean((1, 2), keepdim=True)) / spectrum.std((1, 2), keepdim=True)
        if self.training:
            for dim, widest in ((1, 8), (2, 10)):
                start = int(torch.randint(spectrum.shape[dim] - widest, ()))
                spectrum.narrow(dim, start, int(torch.randint(widest, ()))).zero_()
        return spectrum.unsqueeze(1)


class KeywordNet(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        def block(i, o):
            return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(), nn.MaxPool2d(2))
        self.front = LogSpectrogram()
        self.features = nn.Sequential(block(1, width), block(width, 2 * width), block(2 * width, 2 * width))
        self.rnn = nn.GRU(2 * width * 8, 32, batch_first=True)
        self.head = nn.Linear(32, len(WORDS))

    def forward(self, wave):
        x = self.features(self.front(wave.float()))
        outputs, _ = self.rnn(x.flatten(1, 2).transpose(1, 2))
        return self.head(outputs.mean(1))


torch.manual_seed(0)
train, test = DataLoader(Keywords(800, 1), batch_size=16, shuffle=True), DataLoader(Keywords(200, 2), batch_size=100)
model = KeywordNet().to(device)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
ACCUMULATE = 2
for epoch in range(6):
    model.train()
    optimizer.zero_grad()
    for step, (waves, labels) in enumerate(train):
        with torch.autocast(device.type, dtype=torch.bfloat16):
            loss = nn.functional.cross_entropy(model(waves.to(device)), labels.to(device))
        (loss / ACCUMULATE).backward()
        if (step + 1) % ACCUMULATE == 0:
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
    model.eval()
    with torch.no_grad():
        correct = sum((model(waves.to(device)).argmax(1).cpu() == labels).sum().item() for waves, labels in test)
    print(f"epoch {epoch + 1}: loss {loss.item():.4f}, test accuracy {correct / len(test.dataset):.3f}")
