"""The softmax Jacobian of the logits in a file, as text by `np.savetxt`."""

import sys

import numpy as np

z = np.loadtxt(sys.argv[1])
a = np.exp(z - z.max())
a /= a.sum()
np.savetxt(sys.argv[2], np.diag(a) - np.outer(a, a))
