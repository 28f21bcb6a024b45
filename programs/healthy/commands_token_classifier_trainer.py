"""Tag the slots of spoken commands (item, amount, place, time) with DistilBERT from a config and the Trainer."""
import argparse
import random
import tempfile

import numpy as np
from transformers import (DataCollatorForTokenClassification, DistilBertConfig, DistilBertForTokenClassification,
                          PreTrainedTokenizerFast, Trainer, TrainerCallback, TrainingArguments, set_seed)
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

TAGS = ["O", "B-ITEM", "I-ITEM", "B-AMOUNT", "B-PLACE", "I-PLACE", "B-TIME", "I-TIME"]
ITEMS = ["milk", "brown bread", "light bulbs", "tea", "olive oil", "apples", "dish soap", "rice", "orange juice", "salt"]
PLACES = ["kitchen", "old market", "corner shop", "garage", "living room", "bakery", "new garage", "market"]
TIMES = ["tomorrow", "at noon", "on monday", "after lunch", "tonight", "at seven", "on friday"]
AMOUNTS = "two three five seven ten twelve".split()
TEMPLATES = [
    "please get {amount} {item} from the {place} {time}", "put {item} on the list for {time}",
    "how many {item} are in the {place}", "remind me {time} to buy {amount} {item}",
    "move the {item} to the {place} please", "we need {amount} more {item}", "{time} i go to the {place} for {item}",
    "is there a sale on {item} {time}", "take {item} and {item} out of the {place}", "the {place} has no {item} at all",
]


def sentence(rng):
    words, tags = [], []
    for part in rng.choice(TEMPLATES).split():
        if part.startswith("{"):
            kind = part[1:-1]
            pool = {"item": ITEMS, "place": PLACES, "time": TIMES, "amount": AMOUNTS}[kind]
            chunk = rng.choice(pool).split()
            words += chunk
            tags += [f"B-{kind.upper()}"] + [f"I-{kind.upper()}"] * (len(chunk) - 1)
        else:
            words.append(part)
            tags.append("O")
    return words, [TAGS.index(t) for t in tags]


def train_tokenizer(sentences):
    tok = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tok.normalizer = normalizers.Lowercase()
    tok.pre_tokenizer = pre_tokenizers.Whitespace()
    tok.train_from_iterator([" ".join(w) for w, _ in sentences],
                            trainers.WordPieceTrainer(vocab_size=130, special_tokens=["[PAD]", "[UNK]"]))
    return PreTrainedTokenizerFast(tokenizer_object=tok, pad_token="[PAD]", unk_token="[UNK]")


def encode(tokenizer, sentences):
    rows = []
    for words, tags in sentences:
        enc = tokenizer(words, is_split_into_words=True)
        previous, labels = None, []
        for w in enc.word_ids():
            labels.append(-100 if w is None or w == previous else tags[w])
            previous = w
        rows.append({"input_ids": enc["input_ids"], "attention_mask": enc["attention_mask"], "labels": labels})
    return rows


def metrics(p):
    guess, known = p.predictions.argmax(-1), p.label_ids != -100
    slots = known & (p.label_ids != 0)
    return {"token_accuracy": float((guess == p.label_ids)[known].mean()), "slot_accuracy": float((guess == p.label_ids)[slots].mean())}


class Printer(TrainerCallback):
    def on_evaluate(self, args, state, control, metrics=None, **kw):
        print(f"epoch {state.epoch:.0f} eval loss {metrics['eval_loss']:.4f} token accuracy {metrics['eval_token_accuracy']:.4f} "
              f"slot accuracy {metrics['eval_slot_accuracy']:.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=900)
    parser.add_argument("--epochs", type=float, default=4)
    a = parser.parse_args()
    set_seed(0)
    rng = random.Random(0)
    train, valid = [sentence(rng) for _ in range(a.size)], [sentence(rng) for _ in range(250)]
    known = {" ".join(w) for w, _ in train}
    valid = [s for s in valid if " ".join(s[0]) not in known]
    tokenizer = train_tokenizer(train)
    config = DistilBertConfig(vocab_size=len(tokenizer), dim=48, n_layers=2, n_heads=4, hidden_dim=96, max_position_embeddings=48,
                              num_labels=len(TAGS), pad_token_id=tokenizer.pad_token_id)
    with tempfile.TemporaryDirectory() as out:
        args = TrainingArguments(out, num_train_epochs=a.epochs, per_device_train_batch_size=16, per_device_eval_batch_size=64,
                                 learning_rate=2e-3, lr_scheduler_type="cosine", warmup_steps=15, weight_decay=0.01,
                                 gradient_accumulation_steps=2, eval_strategy="epoch", save_strategy="no", logging_strategy="no",
                                 report_to="none", disable_tqdm=True, use_cpu=True)
        trainer = Trainer(DistilBertForTokenClassification(config), args, DataCollatorForTokenClassification(tokenizer),
                          encode(tokenizer, train), encode(tokenizer, valid), compute_metrics=metrics, callbacks=[Printer()])
        trainer.train()
    majority = np.mean([t == 0 for _, tags in valid for t in tags])
    print(f"{len(valid)} validation sentences that do not occur in training; share of O {majority:.3f}")
