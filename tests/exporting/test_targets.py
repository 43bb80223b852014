"""Each row of the exports writes every model, or says why not."""

import pytest

from bpcli.errors import MissingExtraError
from bpcli.exporting.targets import EXPORTS


@pytest.mark.parametrize("target", EXPORTS)
def test_a_row_writes_bytes(target, model_of, tampered):
    try:
        content = EXPORTS[target].write(model_of("neuron", "tanh", "mse"), tampered, "data", [])
    except MissingExtraError as error:
        pytest.skip(str(error))
    assert isinstance(content, bytes)
    assert content.endswith(b"\n") or EXPORTS[target].binary
