"""Octavo's measures against scikit-learn, pycocotools, scipy and numpy on generated cases.

    python tests/conformance/metrics.py METRIC_CASES [--count 300]

METRIC_CASES is the program of tests/conformance/metric_cases.c. Each measure gets COUNT seeded cases
(boxes a tenth of that), among them the degenerate ones; the largest difference is printed and held
to a bound: 1e-9, but for the bootstrap, whose resamples are drawn by other generators: its ends may
lie a seventh of the interval's width away from scipy's.
Last line: N passed, N failed.
"""

import argparse
import contextlib
import io
import subprocess
import sys

import numpy as np
import scipy.optimize
import scipy.stats
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from sklearn.metrics import f1_score, jaccard_score, roc_auc_score

EXACT = 1e-9


def fields(*values):
    return " ".join(repr(float(v)) if isinstance(v, (float, np.floating)) else str(int(v))
                    for v in values)


def flat(rows):
    return " ".join(fields(*row) for row in rows)


def ece(rng):
    """The definition in numpy: no package of the oracles has it."""
    n = int(rng.integers(1, 400))
    confidence = rng.random(n).astype(np.float32)
    if rng.random() < 0.3:
        confidence = np.float32(rng.integers(0, 16, n)) / np.float32(15)
    right = rng.random(n) < confidence
    bins = np.clip(np.ceil(confidence.astype(float) * 15) - 1, 0, 14)
    error = sum(abs(right[bins == b].sum() - confidence[bins == b].astype(float).sum())
                for b in range(15)) / n
    return f"ece {n} " + flat(zip(confidence, right)), [error]


def auc(rng):
    n = int(rng.integers(2, 300))
    positive = rng.random(n) < rng.uniform(0.05, 0.95)
    positive[0], positive[1] = True, False
    scores = rng.normal(size=n).astype(np.float32) + positive
    if rng.random() < 0.5:
        scores = np.round(scores * 2).astype(np.float32)  # ties
    return f"auc {n} " + flat(zip(scores, positive)), [roc_auc_score(positive, scores)]


def answers(rng):
    n, classes = int(rng.integers(1, 300)), int(rng.integers(2, 12))
    labels = rng.integers(0, classes, n)
    given = np.where(rng.random(n) < 0.6, labels, rng.integers(0, classes, n))
    return n, classes, labels, given


def f1(rng):
    n, classes, labels, given = answers(rng)
    return (f"f1 {n} {classes} " + flat(zip(labels, given)),
            [f1_score(labels, given, average="macro", zero_division=0)])


def iou(rng):
    n, classes, labels, given = answers(rng)
    return (f"iou {n} {classes} " + flat(zip(labels, given)),
            [jaccard_score(labels, given, average="macro", zero_division=0)])


def wilson(rng):
    n = int(rng.integers(1, 20000))
    k = int(rng.integers(0, n + 1))
    interval = scipy.stats.binomtest(k, n).proportion_ci(method="wilson")
    return f"wilson {k} {n}", [interval.low, interval.high]


def mcnemar(rng):
    lost, won = (int(v) for v in rng.integers(0, rng.integers(1, 400), 2))
    p = 1.0 if lost + won == 0 else scipy.stats.binomtest(min(lost, won), lost + won, 0.5).pvalue
    return f"mcnemar {lost} {won}", [p]


def tango(rng):
    """All differences that a score test at 5 % does not reject; the variance under a difference is
    found by maximising the likelihood of (lost, won, rest) numerically."""
    n = int(rng.integers(20, 2000))
    lost, won = (int(v) for v in rng.integers(0, n // 4, 2))

    def statistic(delta):
        low, high = max(0.0, -delta), (1 - delta) / 2
        def minus_log(q):  # q: probability of "lost"; won is q + delta
            rest = 1 - 2 * q - delta
            return -sum(c * np.log(max(p, 1e-300)) for c, p in
                        ((lost, q), (won, q + delta), (n - lost - won, rest)) if c)
        q = scipy.optimize.minimize_scalar(minus_log, bounds=(low, high), method="bounded",
                                           options={"xatol": 1e-13}).x
        return (won - lost - n * delta) / np.sqrt(n * (2 * q + delta * (1 - delta)))

    z = scipy.stats.norm.ppf(0.975)
    middle = (won - lost) / n
    ends = [scipy.optimize.brentq(lambda d: statistic(d) - z, -1 + 1e-9, middle),
            scipy.optimize.brentq(lambda d: statistic(d) + z, middle, 1 - 1e-9)]
    return f"tango {n} {lost} {won}", ends


def mean(rng):
    n = int(rng.integers(50, 400))
    values = rng.exponential(size=n) if rng.random() < 0.5 else rng.normal(size=n)
    interval = scipy.stats.bootstrap((values,), np.mean, n_resamples=20000, method="BCa",
                                     random_state=1).confidence_interval
    return f"mean {n} {rng.integers(1 << 30)} " + fields(*values), [interval.low, interval.high]


def boxes(rng, images, categories, count, size):
    corner, extent = rng.uniform(0, size, (count, 2)), rng.uniform(3, size / 2, (count, 2))
    return [(int(i), int(c), *box) for i, c, box in zip(
        rng.integers(1, images + 1, count), rng.integers(1, categories + 1, count),
        np.round(np.hstack([corner, extent]), int(rng.integers(0, 3))))]


def coco(rng):
    images, categories = int(rng.integers(1, 8)), int(rng.integers(1, 5))
    size = float(rng.choice([40, 150, 500]))
    truths = [(*b, b[4] * b[5] * rng.uniform(0.5, 1), int(rng.random() < 0.1))
              for b in boxes(rng, images, categories, int(rng.integers(1, 40)), size)]
    found = boxes(rng, images, categories, int(rng.integers(0, 60)), size)
    for t in truths:  # near misses and doubles of the truths
        for _ in range(int(rng.integers(0, 4))):
            found.append((t[0], t[1], *(np.array(t[2:6]) * rng.uniform(0.9, 1.1, 4))))
    scores = np.round(rng.random(len(found)), 2)  # ties
    found = [(*f, float(s)) for f, s in zip(found, scores)]
    line = f"coco {len(truths)} {len(found)} " + flat(truths) + " " + flat(found)
    return line, coco_peer(images, categories, truths, found)


def coco_peer(images, categories, truths, found):
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "info": {}, "images": [{"id": i + 1} for i in range(images)],
            "categories": [{"id": c + 1} for c in range(categories)],
            "annotations": [{"id": i + 1, "image_id": t[0], "category_id": t[1],
                             "bbox": list(map(float, t[2:6])), "area": float(t[6]),
                             "iscrowd": t[7]} for i, t in enumerate(truths)]}
        truth.createIndex()
        answer = COCO()
        answer.dataset = {**truth.dataset, "annotations": [
            {"id": i + 1, "image_id": f[0], "category_id": f[1], "bbox": list(map(float, f[2:6])),
             "area": float(f[4] * f[5]), "score": f[6]} for i, f in enumerate(found)]}
        answer.createIndex()
        run = COCOeval(truth, answer, "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
    return list(run.stats)


MEASURES = [ece, auc, f1, iou, wilson, mcnemar, tango, mean, coco]
FEWER = {coco: 10, mean: 10, tango: 5}
BOUNDS = {tango: 2e-6}  # as exact as the numerical maximum is


def difference(measure, got, want):
    if measure is mean:  # in widths of the interval
        return float(np.max(np.abs(np.subtract(got, want))) / (want[1] - want[0]))
    return float(np.max(np.abs(np.subtract(got, want))))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--count", type=int, default=300)
    args = parser.parse_args()
    passed = failed = 0
    for measure in MEASURES:
        rng = np.random.default_rng(20261124)
        cases = [measure(rng) for _ in range(max(args.count // FEWER.get(measure, 1), 3))]
        text = "\n".join(line for line, _ in cases)
        answers_ = subprocess.run([args.program], input=text, capture_output=True, text=True,
                                  check=True).stdout.splitlines()
        assert len(answers_) == len(cases), f"{measure.__name__}: {len(answers_)} answers"
        bound = 0.15 if measure is mean else BOUNDS.get(measure, EXACT)
        worst = 0.0
        for answer, (_, want) in zip(answers_, cases):
            d = difference(measure, [float(v) for v in answer.split()], want)
            worst = max(worst, d)
            passed += d <= bound
            failed += not d <= bound
        print(f"{measure.__name__:8} {len(cases):5} cases, largest difference {worst:.3g}"
              f"{' of the width' if measure is mean else ''} (bound {bound:g})")
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
