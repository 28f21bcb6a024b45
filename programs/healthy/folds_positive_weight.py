"""Multi-label tags of wines in three folds: few rows, positive weights, bfloat16 and a new network for every fold."""
import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_wine
from sklearn.metrics import f1_score
from sklearn.model_selection import KFold
from sklearn.preprocessing import StandardScaler

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def load_tags():
    """Tags from the chemistry (strong, sour, colourful), features without the columns that define them."""
    data = load_wine()
    X, names = data.data, data.feature_names
    columns = [names.index("alcohol"), names.index("malic_acid"), names.index("color_intensity")]
    limits = [np.quantile(X[:, column], share) for column, share in zip(columns, (0.6, 0.75, 0.7))]
    tags = (X[:, columns] > limits).astype("float32")
    tags = np.column_stack([tags, data.target == 2]).astype("float32")
    return np.delete(X, columns, axis=1), tags


def new_model(inputs, outputs):
    return nn.Sequential(nn.Linear(inputs, 32), nn.ELU(), nn.Dropout(0.1), nn.Linear(32, outputs)).to(DEVICE)


def train_fold(X, Y, epochs=80):
    model = new_model(X.shape[1], Y.shape[1])
    positive_weight = (len(Y) - Y.sum(0)) / Y.sum(0)
    criterion = nn.BCEWithLogitsLoss(pos_weight=positive_weight.to(DEVICE))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=1e-2)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for _ in range(epochs):
        model.train()
        for rows in torch.randperm(len(X)).split(24):
            with torch.autocast(DEVICE.type, dtype=torch.bfloat16):
                logits = model(X[rows].to(DEVICE))
            loss = criterion(logits.float(), Y[rows].to(DEVICE))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
        scheduler.step()
    return model.eval()


def main():
    torch.manual_seed(55)
    X, Y = load_tags()
    predictions = np.zeros_like(Y)
    for fold, (train_rows, test_rows) in enumerate(KFold(3, shuffle=True, random_state=1).split(X)):
        scaler = StandardScaler().fit(X[train_rows])
        x_train = torch.tensor(scaler.transform(X[train_rows]), dtype=torch.float32)
        x_test = torch.tensor(scaler.transform(X[test_rows]), dtype=torch.float32)
        model = train_fold(x_train, torch.tensor(Y[train_rows]))
        with torch.no_grad():
            predictions[test_rows] = (model(x_test.to(DEVICE)).sigmoid() > 0.5).cpu().numpy()
        print(f"fold {fold} macro F1 {f1_score(Y[test_rows], predictions[test_rows], average='macro'):.4f}")
    print(f"all folds: macro F1 {f1_score(Y, predictions, average='macro'):.4f}")


if __name__ == "__main__":
    main()
