"""Looks for wrong answers to every small composition: a function of a number that is made of the entries of a vector.

`python -m tests.fuzz.compositions --seconds N --seed S` tries them in an order drawn by S, each at the points of
`POINTS`, as `expressions` does; exit 1 if anything is found.
"""

import argparse
import itertools
import re
import sys
import time
from collections.abc import Iterator
from random import Random

import numpy as np

from tests.fuzz.drawing import ELEMENTWISE, Question
from tests.fuzz.expressions import Comparison, Finding

NUMBERS = [
    "{}",
    *(f"{name}({{}})" for name in ELEMENTWISE),
    "1-{}",
    "{}-1",
    "1/{}",
    "{}**2",
    "-{}",
    "2*{}",
    "{}*log({})",
]
REDUCTIONS = [
    "sum({})",
    "mean({})",
    "max({})",
    "min({})",
    "norm({})",
    "prod({})",
    "logsumexp({})",
    "{}[0]",
    "{}[1]",
    "sum({}[0:2])",
    "sum({}[0:3])",
    "1-sum({}[1:3])",
    "sum([0,0,0]*{})",
    "sum([1,0,1]*{})",
    "dot([0,1,0],{})",
    "dot([1,1,1],{})",
    "mean([0,0,1]*{})",
    "1-sum({})",
    "sum({})-{}[0]",
    "{}@{}",
    "sum({})/3",
    "sum({})*{}[2]",
    "{}[0]+{}[1]+{}[2]",
    "1-{}[0]-{}[1]",
    "1-{}[0]",
    "{}[0]/{}[1]",
    "{}[0]/sum({})",
    "cce([0,0,0],{})",
    "cce([1,0,0],{})",
    "mse([1,0,0],{})",
    "mse({},{})",
]
_V = re.compile(r"\bv\b")
VECTORS = [
    "softmax(v)",
    "log_softmax(v)",
    "softmax(-v)",
    "softmax(2*v)",
    "softmax(v-max(v))",
    "exp(v)",
    "exp(-v)",
    "sigmoid(v)",
    "1-softmax(v)",
    "log(softmax(v))",
    "exp(log_softmax(v))",
    "exp(v)/sum(exp(v))",
    "exp(v-logsumexp(v))",
    "tanh(v)",
    "v",
    "v**2",
    "1/v",
    "log(v)",
    "1-sigmoid(v)",
    "softplus(v)",
    "v/sum(v)",
    "v/norm(v)",
    "softmax(softmax(v))",
    "1/(1+exp(-v))",
    "exp(v-max(v))/sum(exp(v-max(v)))",
]
ENTRIES = ["v", "[v[0],v[0],v[1]]", "[v[1],v[0],v[1]]", "[v[0],0,v[0]]"]  # entries that are equal count each
POINTS = [[0.1, 0.2, 0.3], [40.0, -3.0, 0.5], [0.0, 0.0, 0.0], [-1e-9, 0.0, 1e-9], [700.0, -700.0, 0.0]]


def compositions(seed: int) -> list[str]:
    """All of them, in an order drawn by the seed."""
    found = [
        number.replace("{}", f"({reduction.replace('{}', f'({re.sub(_V, entries, vector)})')})")
        for number, reduction, vector, entries in itertools.product(NUMBERS, REDUCTIONS, VECTORS, ENTRIES)
    ]
    Random(seed).shuffle(found)
    return found


def explore(texts: list[str], comparison: Comparison) -> Iterator[Finding]:
    """What is wrong with the answers to some of them."""
    with np.errstate(all="ignore"):
        for text in texts:
            yield from comparison.findings([Question(text, {"v": point}) for point in POINTS])


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.compositions", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    began, comparison, found = time.monotonic(), Comparison(), 0
    for text in compositions(options.seed):
        if time.monotonic() - began > options.seconds:
            break
        for finding in explore([text], comparison):
            found += 1
            print(finding, flush=True)
    print(f"{comparison.counts['expressions']} of {len(compositions(0))} compositions, {found} findings")
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
