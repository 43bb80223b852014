"""Records PyTorch's own steps for test_optimizers.py, on stdout: recorded/torch_steps.json holds them.

Run it with PyTorch installed, in tests/formulas/recorded's parent. Double precision; the gradient of step t at p is
A p − c + 0.1 sin(t + k), for a fixed A and c, so that both sides compute it alike.
"""

import json
import math
import sys

import torch

A = [[2.0, 0.3, -0.1], [0.3, 1.0, 0.2], [-0.1, 0.2, 0.5]]
C = [1.0, -2.0, 0.5]
START = [0.5, -1.0, 2.0]
STEPS = 25

CASES = {
    "sgd": [({}, lambda p, lr, wd: torch.optim.SGD([p], lr, weight_decay=wd))],
    "momentum": [
        ({"momentum": m}, lambda p, lr, wd, m=m: torch.optim.SGD([p], lr, momentum=m, weight_decay=wd))
        for m in (0.9, 0.5)
    ],
    "nesterov": [
        ({"momentum": m}, lambda p, lr, wd, m=m: torch.optim.SGD([p], lr, momentum=m, nesterov=True, weight_decay=wd))
        for m in (0.9, 0.5)
    ],
    "adagrad": [({}, lambda p, lr, wd: torch.optim.Adagrad([p], lr, weight_decay=wd))],
    "rmsprop": [
        ({}, lambda p, lr, wd: torch.optim.RMSprop([p], lr, weight_decay=wd)),
        (
            {"decay": 0.9, "epsilon": 1e-4},
            lambda p, lr, wd: torch.optim.RMSprop([p], lr, alpha=0.9, eps=1e-4, weight_decay=wd),
        ),
    ],
    "adam": [
        ({}, lambda p, lr, wd: torch.optim.Adam([p], lr, weight_decay=wd)),
        (
            {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3},
            lambda p, lr, wd: torch.optim.Adam([p], lr, betas=(0.8, 0.95), eps=1e-3, weight_decay=wd),
        ),
    ],
    "adamw": [({}, lambda p, lr, wd: torch.optim.AdamW([p], lr, weight_decay=wd))],
}
SCHEDULES = {
    "step": ({"every": 4, "factor": 0.5}, lambda o: torch.optim.lr_scheduler.StepLR(o, 4, 0.5)),
    "exponential": ({"factor": 0.9}, lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.9)),
    "cosine": ({"floor": 0.0}, lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, STEPS)),
    "inverse_time": ({"decay": 0.1}, lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda e: 1 / (1 + 0.1 * e))),
}


def run(make, rate, decay, clip=None):
    """The parameter after each step."""
    p = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    optimizer = make(p, rate, decay)
    path = []
    for t in range(1, STEPS + 1):
        noise = torch.tensor([0.1 * math.sin(t + k) for k in range(3)], dtype=torch.float64)
        p.grad = torch.tensor(A, dtype=torch.float64) @ p.detach() - torch.tensor(C, dtype=torch.float64) + noise
        if clip is not None:
            p.grad *= min(1.0, clip / float(torch.linalg.vector_norm(p.grad)))
        optimizer.step()
        path.append(p.detach().tolist())
    return path


def rates(make):
    """The learning rate of each epoch, of 1."""
    p = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([p], 1.0)
    scheduler = make(optimizer)
    found = []
    for _ in range(STEPS):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


record = {
    "torch": torch.__version__,
    "A": A,
    "c": C,
    "start": START,
    "steps": [
        {
            "optimizer": name,
            "settings": settings,
            "rate": rate,
            "l2": decay,
            "clip": clip,
            "path": run(make, rate, decay, clip),
        }
        for name, cases in CASES.items()
        for settings, make in cases
        for rate, decay, clip in ((0.1, 0.0, None), (0.05, 0.1, None), (0.1, 0.0, 0.7))
    ],
    "schedules": [
        {"schedule": name, "settings": settings, "rates": rates(make)} for name, (settings, make) in SCHEDULES.items()
    ],
}
json.dump(record, sys.stdout, indent=None, separators=(",", ":"))
