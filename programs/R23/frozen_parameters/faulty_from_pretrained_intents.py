import random
from collections import Counter

import numpy as np
import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset

random.seed(0), np.random.seed(0), torch.manual_seed(0)

SLOTS = {
    "play": ["play", "start", "put on", "i want to hear", "queue"],
    "stop": ["stop", "pause", "halt", "turn off", "silence"],
    "want": ["please", "could you", "hey", "can you", "would you", ""],
    "thing": ["song", "album", "podcast", "radio", "playlist", "audiobook"],
    "when": ["now", "tomorrow", "at seven", "in ten minutes", "tonight", "on monday"],
    "wake": ["wake me", "set an alarm", "remind me", "ring"],
    "sky": ["rain", "snow", "be sunny", "storm", "freeze", "be windy"],
    "city": ["paris", "oslo", "lima", "tokyo", "cairo", "boston"],
    "light": ["lamp", "lights", "bulb", "ceiling light", "night light"],
    "room": ["kitchen", "bedroom", "hall", "garage", "bathroom"],
}
PATTERNS = {
    "music_on": ["{want} {play} the {thing}", "{play} my {thing} in the {room}", "{play} a {thing} {when}"],
    "music_off": ["{want} {stop} the {thing}", "{stop} my {thing} in the {room}", "{stop} the {thing} {when}"],
    "alarm": ["{want} {wake} {when}", "{wake} {when} in the {room}", "{want} {wake} for the {thing} {when}"],
    "weather": ["will it {sky} in {city} {when}", "{want} say if it will {sky} {when}", "is it going to {sky} in {city}"],
    "light_on": ["{want} switch on the {room} {light}", "{light} on in the {room} {when}", "brighten the {light} {when}"],
    "light_off": ["{want} switch off the {room} {light}", "{light} off in the {room} {when}", "dim the {light} {when}"],
    "travel": ["{want} book a train to {city} {when}", "how far is {city} from {city}", "fly me to {city} {when}"],
}
FILLER = "um well so just like maybe okay right then the a my".split()


def sentence():
    intent = random.choice(list(PATTERNS))
    text = random.choice(PATTERNS[intent])
    while "{" in text:
        slot = text[text.index("{") + 1 : text.index("}")]
        text = text.replace("{" + slot + "}", random.choice(SLOTS[slot]), 1)
    tokens = text.split()
    for _ in range(random.randint(0, 3)):
        tokens.insert(random.randint(0, len(tokens)), random.choice(FILLER))
    tokens = [t if random.random() > 0.1 else "<unk>" for t in tokens]
    return tokens, list(PATTERNS).index(intent)


class Intents(Dataset):
    def __init__(self, n, vocab=None):
        self.rows = [sentence() for _ in range(n)]
        if vocab is None:
            counts = Counter(t for tokens, _ in self.rows for t in tokens)
            vocab = {"<pad>": 0, "<unk>": 1}
            for t, _ in counts.most_common():
                vocab.setdefault(t, len(vocab))
        self.vocab = vocab

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        tokens, label = self.rows[i]
        return torch.tensor([self.vocab.get(t, 1) for t in tokens]), label


def collate_fn(batch):
    lengths = torch.tensor([len(x) for x, _ in batch])
    return pad_sequence([x for x, _ in batch], batch_first=True), lengths, torch.tensor([y for _, y in batch])


class IntentClassifier(nn.Module):
    def __init__(self, vectors, n_classes):
        super().__init__()
        self.embedding = nn.Embedding.from_pretrained(vectors, padding_idx=0)
        self.fc = nn.Linear(vectors.shape[1], n_classes)

    def forward(self, x, lengths):
        return self.fc(self.embedding(x).sum(1) / lengths.unsqueeze(1))


train_ds = Intents(2500)
test_ds = Intents(800, train_ds.vocab)
train_dl = DataLoader(train_ds, batch_size=32, shuffle=True, collate_fn=collate_fn)
test_dl = DataLoader(test_ds, batch_size=200, collate_fn=collate_fn)
vectors = torch.randn(len(train_ds.vocab), 20) * 0.3
vectors[0] = 0
model = IntentClassifier(vectors, len(PATTERNS))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
criterion = nn.CrossEntropyLoss()
for epoch in range(15):
    model.train()
    losses = []
    for x, lengths, y in train_dl:
        optimizer.zero_grad()
        loss = criterion(model(x, lengths), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        hits = sum((model(x, n).argmax(1) == y).sum().item() for x, n, y in test_dl)
    print(f"Epoch {epoch + 1} - train_loss: {np.mean(losses):.4f} - test_acc: {hits / len(test_ds):.4f}")
