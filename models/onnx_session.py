"""ONNX Runtime, set up for a small worker process."""

from __future__ import annotations

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.errors import MalformedModel

PROVIDERS = ["CPUExecutionProvider"]
_ERRORS_ONLY = 3


def session_options(threads: int) -> onnxruntime.SessionOptions:
    """Returns options for `threads` threads that wait without spinning and hoard no memory."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    # The arena keeps the peak of every shape for ever and gained nothing measurable here.
    options.enable_cpu_mem_arena = False
    # Spinning threads would take the core that decodes the clip.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


class OnnxNetwork:
    """A network with one float32 input and one float32 output.

    Args:
        content: bytes of the .onnx file, their digest already verified.
        input_shape: (1, channels, rows, columns).
        dimensions: length of the output.
        threads: threads to compute on.

    Raises:
        MalformedModel: the bytes are no such network.
    """

    def __init__(
        self, content: bytes, *, input_shape: tuple[int, ...], dimensions: int, threads: int
    ) -> None:
        try:
            self._session = onnxruntime.InferenceSession(
                content, session_options(threads), providers=PROVIDERS
            )
        # ONNX Runtime's errors have no common root but Exception.
        except Exception as error:
            raise MalformedModel("The ONNX network can't be loaded.") from error
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        shapes = [list(input_shape)] == [i.shape for i in inputs]
        if not shapes or [[1, dimensions]] != [o.shape for o in outputs]:
            raise MalformedModel("The ONNX network has other inputs or outputs.")
        self._input = str(inputs[0].name)

    def run(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns the output, shape (dimensions,), for an input of the input's shape."""
        output = self._session.run(None, {self._input: values})[0]
        return np.asarray(output, dtype=np.float32).reshape(-1)
