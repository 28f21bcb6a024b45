"""Loader facts and pairing against plain Python."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from paramedic.measurements.data.epochs import coverage, pass_facts, same_order
from paramedic.measurements.data.pairing import pairing, positions
from paramedic.measurements.data.splits import overlap, repeated_share

keys = st.lists(st.integers(0, 12), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(st.lists(keys, min_size=1, max_size=6))
def test_pass_facts(batches):
    facts = pass_facts([np.array(batch, dtype=np.uint64) for batch in batches])
    seen, equal = set(), 0
    for batch in batches:
        equal += tuple(sorted(batch)) in seen
        seen.add(tuple(sorted(batch)))
    flat = [key for batch in batches for key in batch]
    assert (facts.batches, facts.rows, facts.distinct, facts.equal_batches) == (
        len(batches),
        len(flat),
        len(set(flat)),
        equal,
    )


@settings(max_examples=60, deadline=None)
@given(keys, keys, st.randoms(use_true_random=False))
def test_pairing_and_positions(rows, table, random):
    targets = [random.randint(0, 2) for _ in rows]
    table_targets = [random.randint(0, 2) for _ in table]
    found = pairing(*(np.array(item, dtype=np.uint64) for item in (rows, targets, table, table_targets)))
    known = {key: {t for k, t in zip(table, table_targets, strict=True) if k == key} for key in table}
    usable = [
        (row, target) for row, target in zip(rows, targets, strict=True) if len(known.get(row, ())) == 1
    ]
    assert found.matched == len(usable)
    assert found.agreeing == sum(target in known[row] for row, target in usable)
    place = positions(np.array(rows, dtype=np.uint64), np.array(table, dtype=np.uint64))
    assert [int(item) for item in place] == [table.index(row) if row in table else -1 for row in rows]


@settings(max_examples=40, deadline=None)
@given(keys, keys)
def test_overlap_and_repeats(first, second):
    found = overlap(np.array(first, dtype=np.uint64), np.array(second, dtype=np.uint64))
    assert found.rows == sum(item in first for item in second)
    expected = sum(first.count(item) > 1 for item in first) / len(first)
    assert repeated_share(np.array(first, dtype=np.uint64)) == expected


def test_coverage_of_random_and_of_repeated_halves():
    rng = np.random.default_rng(0)
    everything = np.arange(1000, dtype=np.uint64)
    random = [rng.permutation(everything)[:500] for _ in range(3)]
    seen, expected = coverage(random, 1000)
    assert abs(seen - expected) < 40 and abs(expected - 875) < 1
    seen, _ = coverage([everything[:500]] * 3, 1000)
    assert seen == 500


def test_same_order():
    a = np.arange(5, dtype=np.uint64)
    assert same_order(a, a.copy()) and not same_order(a, a[::-1]) and not same_order(a, a[:4])
