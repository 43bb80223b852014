"""IDX images with PyTorch in float32, without a loader: ten epochs of softmax by SGD, and the accuracy."""

import sys

import numpy as np
import torch

torch.set_num_threads(int(sys.argv[3]))
X = torch.from_numpy(np.fromfile(sys.argv[1], np.uint8)[16:].reshape(-1, 784)).float().div_(255)
y = torch.from_numpy(np.fromfile(sys.argv[2], np.uint8)[8:]).long()
layer = torch.nn.Linear(784, 10)
torch.nn.init.zeros_(layer.weight)
torch.nn.init.zeros_(layer.bias)
optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
for _ in range(10):
    order = torch.randperm(len(X))
    for start in range(0, len(X), 128):
        rows = order[start : start + 128]
        loss = torch.nn.functional.cross_entropy(layer(X[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
with torch.no_grad():
    print((layer(X).argmax(1) == y).float().mean().item())
