"""The patch of a finding turns the faulty program into the fixed one, or nothing is patched at all.

The findings are made by hand, as the checks give them: what is tested is the rewriting of source, which runs nothing.
Whether a patch repairs what was measured is `make bench-fix`.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.programs import ROOT
from paramedic.checks.finding import Evidence, Finding, Proof, Remedy
from paramedic.checks.preprocessing.pretrained_preprocessing import VALUES
from paramedic.checks.registry import descriptions
from paramedic.measurements.data.pretrained import IMAGENET_MEAN, IMAGENET_STD, RECIPES
from paramedic.remedies.patching import PatchError, apply, changed_lines, file_of
from paramedic.remedies.pretrained import FROM_UNIT, IMAGENET, TO_UNIT
from paramedic.remedies.registry import patch, rewrites, with_patch
from paramedic.remedies.source import unified
from paramedic.remedies.unpatched import UNPATCHED
from paramedic.trace.place import Place

# program, line, and what the finding brings beside its place: the patched file is the fixed one, statement by statement
SAME_AS_FIXED = [
    ("R01/non_finite_input/faulty", 13),
    ("R01/non_finite_input/faulty_log_returns", 12),
    ("R03/incomplete_epoch/faulty", 13),
    ("R03/incomplete_epoch/faulty_range_bound", 19),
    ("R04/labels_mispaired/faulty", 15),
    ("R04/labels_mispaired/faulty_regression_permutation", 16),
    ("R04/labels_shifted/faulty_dataset_index", 21),
    ("R04/target_not_shifted/faulty", 43),
    ("R07/unshuffled_training_data/faulty", 21),
    ("R07/unshuffled_training_data/faulty_sorted_targets", 17),
    ("R11/too_few_updates/faulty", 12),
    ("R36/learning_rate_too_low/faulty_amp_clip_before_unscale", 80),
    ("R11/too_few_updates/faulty_large_slices", 8),
    ("R15/leaked_statistics/faulty", 11),
    ("R15/leaked_statistics/faulty_min_max", 10),
    ("R15/mixed_recipes/faulty_normalized_in_place", 20),
    ("R15/train_validation_recipe_mismatch/faulty", 14),
    ("R17/penalty_with_wrong_sign/faulty", 24),
    ("R17/penalty_without_gradient/faulty", 23),
    ("R17/penalty_without_gradient/faulty_no_grad", 19),
    ("R18/custom_loss_non_finite/faulty_metric", 16),
    ("R18/custom_loss_sign/faulty", 18),
    ("R18/sum_reduced_loss/faulty", 25),
    ("R18/sum_reduced_loss/faulty_autoencoder", 27),
    ("R19/log_softmax_with_mse/faulty", 28),
    ("R19/log_softmax_with_mse/faulty_brier", 37),
    ("R19/logits_in_bce/faulty", 22),
    ("R19/logits_in_bce/faulty_autoencoder", 28),
    ("R19/probabilities_in_nll/faulty", 19),
    ("R19/probabilities_in_nll/faulty_embedding", 40),
    ("R19/sigmoid_before_bce_with_logits/faulty", 35),
    ("R19/sigmoid_before_bce_with_logits/faulty_lfw", 23),
    ("R19/softmax_before_cross_entropy/faulty", 38),
    ("R19/softmax_before_cross_entropy/faulty_transformer", 42),
    ("R19/squashed_regression_output/faulty", 25),
    ("R19/squashed_regression_output/faulty_image", 33),
    ("R19/squashed_regression_output/faulty_tanh", 37),
    ("R22/wrong_gradient/faulty_recurrent", 17),
    ("R23/frozen_parameters/faulty", 34),
    ("R23/frozen_parameters/faulty_transformer", 30),
    ("R23/missing_backward/faulty", 39),
    ("R23/missing_backward/faulty_closure", 22),
    ("R23/missing_step/faulty", 20),
    ("R23/missing_step/faulty_two_optimizers", 29),
    ("R23/optimizer_over_stale_parameters/faulty", 35),
    ("R23/optimizer_over_stale_parameters/faulty_head", 33),
    ("R23/parameters_not_optimized/faulty", 36),
    ("R23/parameters_not_reached/faulty", 21),
    ("R23/parameters_not_reached/faulty_autoencoder", 21),
    ("R23/parameters_not_reached/faulty_loss_copy", 26),
    ("R23/parameters_not_reached/faulty_numpy", 24),
    ("R23/parameters_not_registered/faulty", 14),
    ("R23/parameters_not_registered/faulty_heads", 26),
    ("R23/parameters_not_registered/faulty_recommender", 19),
    ("R25/batch_size_dependent_output/faulty_batchnorm_cnn", 18),
    ("R25/causal_leak/faulty_bidirectional", 22),
    ("R25/causal_leak/faulty_conv", 19),
    ("R25/samples_influence_each_other/faulty", 26),
    ("R25/samples_influence_each_other/faulty_batch_attention", 24),
    ("R25/samples_influence_each_other/faulty_lstm_batch_first", 18),
    ("R25/samples_influence_each_other/faulty_transformer_batch_first", 14),
    ("R28/badly_scaled_initialization/faulty_transformer", 15),
    ("R28/symmetric_initialization/faulty", 23),
    ("R32/always_on_dropout/faulty", 17),
    ("R32/always_on_dropout/faulty_regression", 16),
    ("R32/stale_batchnorm_statistics/faulty", 14),
    ("R32/stale_batchnorm_statistics/faulty_swapped_arguments", 11),
    ("R32/training_in_eval_mode/faulty", 31),
    ("R32/validating_in_train_mode/faulty_forgotten_eval", 24),
    ("R34/missing_zero_grad/faulty_regression", 19),
    ("R34/zero_grad_between_backward_and_step/faulty", 37),
    ("R34/zero_grad_between_backward_and_step/faulty_lstm", 25),
    ("R36/scheduler_stepped_per_batch/faulty", 23),
    ("R36/scheduler_stepped_per_batch/faulty_char_lm", 37),
    ("R36/scheduler_stepped_per_batch/faulty_vae", 34),
]


def finding(program: str, line: int, *evidence: Evidence, summary: str = "", remedy: str = "") -> Finding:
    path = f"programs/{program}.py"
    return Finding("R00", check_of(program), "fault", summary, Place(path, line), None, evidence, Remedy(remedy))


def check_of(program: str) -> str:
    path = ROOT / "programs" / f"{program}.py"
    return str(json.loads((path.parent / "expect.json").read_text())[path.name]["check"])


def patched(found: Finding) -> str:
    text = patch(found, ROOT)
    assert text is not None, "no patch"
    assert found.where is not None
    return apply(text, (ROOT / found.where.file).read_text())


@pytest.mark.parametrize(("program", "line"), SAME_AS_FIXED, ids=lambda item: str(item))
def test_patched_program_is_the_fixed_one(program: str, line: int) -> None:
    path = ROOT / "programs" / f"{program}.py"
    fixed = path.with_name(path.name.replace("faulty", "fixed", 1)).read_text()
    assert ast.dump(ast.parse(patched(finding(program, line)))) == ast.dump(ast.parse(fixed))


LAST = "last operation that gets the input"
EVIDENCE_DECIDES = [
    ("R19/shape_broadcast_in_loss/faulty", 32, Evidence("shapes", "(32, 1) and (32,)"), "loss_fn(pred.squeeze(-1), yb)"),
    ("R21/argmax_over_wrong_dimension/faulty", 34, Evidence("dimension", 0, "1"), "argmax(dim=1)"),
    ("R21/argmax_over_wrong_dimension/faulty_flattened", 23, Evidence("dimension", "all", "1"), "argmax(dim=1)"),
    ("R36/learning_rate_too_high/faulty", 19, Evidence("learning rate", "5", "about 0.05"), "lr=0.05"),
    ("R36/learning_rate_too_high/faulty_cnn_adam", 39, Evidence("learning rate", "0.2", "about 0.002"), "LR = 0.002"),
    ("R36/learning_rate_too_high/faulty_trainer_adam", 31, Evidence("learning rate", "0.05", "about 0.002"), '"lr": 0.002'),
    ("R36/learning_rate_too_low/faulty_gru_series", 31, Evidence("learning rate", "0", "about 0.002"), "default=0.002"),
    ("R08/minority_class_ignored/faulty", 24, Evidence("rows per class", [900, 100]), "weight=torch.tensor([0.5556, 5])"),
    ("R08/minority_class_ignored/faulty_rare_event", 22, Evidence("rows per class", [900, 100]), "pos_weight=torch.tensor(9)"),
    ("R20/loss_components_out_of_balance/faulty", 47,
     Evidence("weight of the larger term", 1e4, "about 0.1"), "ink_weight = 0.1"),
    ("R20/loss_components_out_of_balance/faulty_detector", 42,
     Evidence("weight of the smaller term", 2e-4, "about 0.5"), "kind[rows]) / 2"),
    ("R20/loss_components_out_of_balance/faulty_classifier", 27,
     Evidence("weight of the smaller term", 1e-5, "about 0.5"), "classification=0.5"),
    ("R20/loss_components_out_of_balance/faulty_forward", 33,
     Evidence("weight of the larger term", 3000.0, "about 1.5"), '"next_row": 1.5'),
    ("R02/input_ignored/faulty_canvas", 28, Evidence(LAST, "add"), "canvas[:, :, 1:15, 1:15].add_(x)"),
    ("R02/input_ignored/faulty_hidden_state_only", 23, Evidence(LAST, "zeros_like"), "self.cell(encoded, h)"),
    ("R04/target_not_shifted/faulty_gru", 45, Evidence("", 0), "chunk[: self.length], chunk[1 : self.length + 1]"),
    ("R13/augmentation_too_strong/faulty", 16, Evidence("", 0), "noise=0.0"),
    ("R13/augmentation_too_strong/faulty_jitter", 19, Evidence("", 0), "augment(x, jitter=0.0, stretch=0.0)"),
    ("R13/augmentation_too_strong/faulty_word_dropout", 27, Evidence("", 0), "rate=0.0"),
    ("R14/pretrained_preprocessing/faulty", 23, Evidence(VALUES, "values in [0, 255]", IMAGENET),
     "images = (images / 255 - mean) / std"),
    ("R14/pretrained_preprocessing/faulty_unit_range", 24, Evidence(VALUES, "values in [0, 1]", IMAGENET),
     "images = (images - mean) / std"),
    ("R29/settings_not_tuned/faulty", 15, Evidence("proposed momentum or beta1", 0.8), "lr=0.2, momentum=0.8, weight_"),
    ("R29/settings_not_tuned/faulty", 15, Evidence("proposed factor of the dropout", 0.5), "Dropout(0.15)"),
    ("R10/single_label_batches/faulty", 34, Evidence("rows of a batch", 32), "y[train]), batch_size=32, shuffle=True)"),
]


@pytest.mark.parametrize(("program", "line", "evidence", "written"), EVIDENCE_DECIDES, ids=lambda item: str(item)[:40])
def test_evidence_gives_the_number(program: str, line: int, evidence: Evidence, written: str) -> None:
    assert written in patched(finding(program, line, evidence))


@pytest.mark.parametrize(
    ("program", "line", "mode", "written"),
    [
        ("R36/scheduler_watches_wrong_direction/faulty_image_accuracy", 21, "max", 'patience=2, mode="max")'),
        ("R36/scheduler_watches_wrong_direction/faulty_r2_table", 30, "max", '(optimizer, "max", '),
        ("R31/watched_in_wrong_direction/faulty", 46, "max", '"val_acc", patience=5, mode="max")'),
    ],
)
def test_other_mode(program: str, line: int, mode: str, written: str) -> None:
    assert written in patched(finding(program, line, remedy=f'pass mode="{mode}"'))


WIDTHS = (Evidence("numbers per sample in the narrowest layer", 1), Evidence("width of the simple model that learns", 128))


@pytest.mark.parametrize(
    ("program", "line", "written"),
    [
        ("R24/network_too_small/faulty", 14, "hidden = 128"),
        ("R24/network_too_small/faulty_gru", 10, "hidden_size=128"),
        ("R31/stopped_too_early/faulty_one_epoch", 40, '"--epochs", default=8'),
    ],
)
def test_widths_and_epochs(program: str, line: int, written: str) -> None:
    summary = "the same training, 4 times as long, reaches 0.2"
    assert written in patched(finding(program, line, *WIDTHS, summary=summary))


@pytest.mark.parametrize(("after", "written"), [(0.2, "default=8"), (0.46, "default=16")])
def test_a_run_that_is_on_its_way_goes_on_for_longer(after: float, written: str) -> None:
    summary = f"the same training, 4 times as long, reaches {after}"
    found = finding("R31/stopped_too_early/faulty_one_epoch", 40, summary=summary)
    assert written in patched(replace(found, proof=Proof("as it is", 0.8, after, (-0.4, -0.3), 3)))


def test_a_wrong_backward_is_left_to_autograd(tmp_path: Path) -> None:
    path = ROOT / "programs/R26/wrong_gradient/faulty_layer_norm.py"
    found = replace(finding("R26/wrong_gradient/faulty_layer_norm", 16), module="Normalize")
    result = patched(found)
    assert "class Normalize:\n    @staticmethod\n    def apply(x):\n" in result and "ctx" not in result
    assert "Normalize.apply(self.encode(x))" in result
    rounding = path.read_text().replace("output = (x - mean) * inverse", "output = ((x - mean) * inverse).round()")
    (tmp_path / "train.py").write_text(rounding)
    assert patch(replace(found, where=Place("train.py", 16)), tmp_path) is None  # autograd's gradient would be zero


def test_what_is_missing_from_an_optimizer_is_given_once() -> None:
    """The model that a part was given of holds that part as well: torch takes no parameter twice."""
    found = replace(finding("R23/parameters_not_optimized/faulty_waves", 39), module="model.0")
    assert '"weight_decay": 1e-3},\n            {"params": model[0].parameters()},\n' in patched(found)
    assert patch(replace(found, module="model"), ROOT) is None


def test_lists_of_parameters_are_clipped() -> None:
    found = finding("R35/exploding_gradients/faulty", 29, remedy="clip the gradients")
    assert "    nn.utils.clip_grad_norm_(weights + biases, 1.0)\n    optimizer.step()" in patched(found)


CONVOLUTION = """\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(4, 8, 3, padding=2, dilation=2)
        self.rest = nn.Sequential(nn.ReLU(), nn.Conv1d(8, 1, 5, padding=2), nn.Flatten())

    def forward(self, x):
        return self.rest(self.conv(x))
"""


def test_a_convolution_pads_the_past_only(tmp_path: Path) -> None:
    called = made(tmp_path, "causal-leak", 8, CONVOLUTION)
    assert called is not None and "self.conv = nn.Conv1d(4, 8, 3, dilation=2)" in called
    assert "self.conv(nn.functional.pad(x, (self.conv.dilation[0] * (self.conv.kernel_size[0] - 1), 0)))" in called
    listed = made(tmp_path, "causal-leak", 9, CONVOLUTION)
    assert listed is not None
    assert "nn.Sequential(nn.ReLU(), nn.ConstantPad1d((4, 0), 0.0), nn.Conv1d(8, 1, 5), nn.Flatten())" in listed


PROGRAM = """\
import torch
from torch import nn

net = nn.Sequential(
    nn.Linear(4, 8),  # in
    nn.ReLU(),
    nn.Linear(8, 3), nn.Softmax(dim=1),  # probabilities
)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for x, y in batches:
    # one step
    loss = nn.functional.cross_entropy(net(x), y)
    loss.backward()
    opt.step()
"""


def made(folder: Path, check: str, line: int, text: str = PROGRAM, **details: object) -> str | None:
    (folder / "train.py").write_text(text)
    found = Finding("R00", check, "fault", "", Place("train.py", line), None, (), Remedy(""))
    text_of = patch(found, folder)
    return None if text_of is None else apply(text_of, text)


def test_comments_and_style_stay(tmp_path: Path) -> None:
    result = made(tmp_path, "softmax-before-cross-entropy", 7)
    assert result == PROGRAM.replace(", nn.Softmax(dim=1),", ",")
    result = made(tmp_path, "missing-zero-grad", 13)
    assert result == PROGRAM.replace("    loss.backward()", "    opt.zero_grad()\n    loss.backward()")


@pytest.mark.parametrize(
    ("check", "line", "text"),
    [
        ("softmax-before-cross-entropy", 1, PROGRAM),  # nothing of the kind is on the line
        ("missing-zero-grad", 13, PROGRAM.replace("opt.step()", "update(net)")),  # nobody knows the optimizer
        ("unshuffled-training-data", 10, PROGRAM),  # no DataLoader
        ("learning-rate-too-high", 9, PROGRAM),  # no rate in the evidence
        ("frozen-parameters", 9, PROGRAM),
        ("no-such-check", 9, PROGRAM),
        ("input-ignored", 13, PROGRAM),  # no operation is named
        ("augmentation-too-strong", 12, PROGRAM),  # nothing is drawn there
        ("target-not-shifted", 12, PROGRAM),  # no two cuts that are equal
    ],
)
def test_no_patch_rather_than_a_doubtful_one(check: str, line: int, text: str, tmp_path: Path) -> None:
    assert made(tmp_path, check, line, text) is None


def test_a_file_that_was_changed_since_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(PROGRAM)
    found = Finding("R34", "missing-zero-grad", "fault", "", Place("train.py", 13), None, (), Remedy(""))
    changed = (tmp_path / "train.py").stat().st_mtime
    assert with_patch(found, tmp_path, changed + 1).remedy.patch is not None  # type: ignore[union-attr]
    assert with_patch(found, tmp_path, changed - 1).remedy.patch is None  # type: ignore[union-attr]


def test_notes_and_unreadable_files_get_no_patch(tmp_path: Path) -> None:
    found = Finding("R34", "missing-zero-grad", "fault", "", Place("gone.py", 13), None, (), Remedy(""))
    assert with_patch(found, tmp_path) is found
    (tmp_path / "train.py").write_text(PROGRAM + "def broken(:\n")
    found = Finding("R34", "missing-zero-grad", "fault", "", Place("train.py", 13), None, (), Remedy(""))
    assert with_patch(found, tmp_path) is found


def test_a_note_has_a_patch_if_its_change_was_tried(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(PROGRAM)
    note = Finding("R34", "missing-zero-grad", "note", "", Place("train.py", 13), None, (), Remedy(""))
    assert with_patch(note, tmp_path) is note
    tried = replace(note, proof=Proof("as it is changed", 0.9, 0.1, (-0.9, -0.7), 3))
    assert with_patch(tried, tmp_path).remedy.patch is not None  # type: ignore[union-attr]


def test_formulas_for_images_are_those_of_the_recipes() -> None:
    images = torch.rand(4, 3, 6, 6)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    for recipe in RECIPES:
        if recipe.name in TO_UNIT:
            assert torch.allclose(eval(TO_UNIT[recipe.name].format(x="x"), {"x": recipe.apply(images)}), images, atol=1e-5)
        if recipe.name in FROM_UNIT:
            made = eval(FROM_UNIT[recipe.name].format(x="x"), {"x": images, "mean": mean, "std": std})
            assert torch.allclose(made, recipe.apply(images), atol=1e-5)
    assert {recipe.name for recipe in RECIPES} >= {*TO_UNIT, *FROM_UNIT}


@pytest.mark.parametrize("change", [
    lambda text: text.replace("    ", "\t"),
    lambda text: text.replace("\n", "\r\n"),
    lambda text: text.replace("# one step", "# one step\x0c"),
    lambda text: text.replace("    # one step", "    # %% [markdown] cell\u2028 \x1c"),
    lambda text: text.rstrip("\n"),
    lambda text: "# %%\nget_ipython().run_line_magic('matplotlib', 'inline')\n# %%\n" + text,
    lambda text: text.replace("for x, y", "@decorated\ndef f():\n    pass\n\n\nfor x, y"),
], ids=["tabs", "CRLF", "form feed", "separators", "no newline", "notebook", "decorator"])  # fmt: skip
def test_files_of_every_style_keep_it(change: Callable[[str], str], tmp_path: Path) -> None:
    text = change(PROGRAM)
    line = text[: text.index("loss.backward()")].count("\n") + 1
    (tmp_path / "train.py").write_bytes(text.encode())
    found = Finding("R34", "missing-zero-grad", "fault", "", Place("train.py", line), None, (), Remedy(""))
    diff = patch(found, tmp_path)
    assert diff is not None
    end, indent = ("\r\n" if "\r" in text else "\n"), ("\t" if "\t" in text else "    ")
    assert apply(diff, text) == text.replace("loss.backward()", f"opt.zero_grad(){end}{indent}loss.backward()")


@pytest.mark.parametrize("content", [
    "\ufeff" + PROGRAM + "x = '\udcff'", "# coding: latin-1\n# \xe9\n" + PROGRAM,
], ids=["unreadable", "latin-1"])  # fmt: skip
def test_files_in_other_encodings_are_left_alone(content: str, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_bytes(content.encode("latin-1", errors="replace"))
    found = Finding("R34", "missing-zero-grad", "fault", "", Place("train.py", 13), None, (), Remedy(""))
    assert with_patch(found, tmp_path) is found


def test_no_patch_for_a_notebook(tmp_path: Path) -> None:
    for name in ("/tmp/ipykernel_1/123.py", "train.ipynb", "<stdin>"):
        found = Finding("R34", "missing-zero-grad", "fault", "", Place(name, 13), None, (), Remedy(""))
        assert with_patch(found, tmp_path) is found


def test_a_patch_follows_lines_that_another_one_moved() -> None:
    first = unified(PROGRAM, PROGRAM.replace("import torch\n", "import torch\n\nLR = 0.1\n", 1), "train.py")
    second = unified(PROGRAM, PROGRAM.replace("lr=0.1", "lr=0.01"), "train.py")
    both = apply(second, apply(first, PROGRAM))
    assert "LR = 0.1" in both and "lr=0.01" in both
    with pytest.raises(PatchError, match="has the change at line 9 already"):
        apply(second, both)
    third = unified(PROGRAM, PROGRAM.replace("SGD", "Adam"), "train.py")
    assert changed_lines(second) & changed_lines(third) and not changed_lines(first) & changed_lines(third)
    with pytest.raises(PatchError, match="is not as it was"):
        apply(third, both)


def test_every_rewrite_names_checks_that_exist() -> None:
    known = {item.name for item in descriptions()}
    assert set(rewrites()) <= known
    assert set(UNPATCHED) <= known and not set(UNPATCHED) & set(rewrites())


def test_a_patch_fits_exactly_or_not_at_all() -> None:
    after = PROGRAM.replace("lr=0.1", "lr=0.01")
    text = unified(PROGRAM, after, "train.py")
    assert file_of(text) == "train.py" and apply(text, PROGRAM) == after
    with pytest.raises(PatchError, match="is not as it was"):
        apply(text, PROGRAM.replace("lr=0.1", "lr=0.2"))


@given(st.lists(st.sampled_from("abc"), max_size=12), st.lists(st.sampled_from("abc"), max_size=12))
def test_any_difference_can_be_applied(before: list[str], after: list[str]) -> None:
    one, other = ("".join(f"{item}\n" for item in text) for text in (before, after))
    assert apply(unified(one, other, "x.py"), one) == other
