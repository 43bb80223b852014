"""Values and gradients of expressions at the points of a `.npy` file, in one process with JAX."""

import sys

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)
source, target, *expressions = sys.argv[1:]
functions = [eval(f"lambda x, y: {text}", {"jnp": jnp, "jax": jax}) for text in expressions]


@jax.jit
def run(points):
    columns = []
    for function in functions:
        value, gradient = jax.vmap(jax.value_and_grad(function, (0, 1)))(points[:, 0], points[:, 1])
        columns += [value, *gradient]
    return jnp.stack(columns, axis=1)


np.save(target, np.asarray(run(np.load(source))))
