"""One TensorFlow Lite graph on LiteRT (XNNPACK)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from models.errors import MalformedModel


class Graph:
    """A graph with one float32 input and float32 outputs that are known by their length.

    Args:
        content: bytes of the .tflite file, their digest already verified.
        input_shape: shape that the input must have.
        output_sizes: number of values of each output, in the order `run` returns them.
        threads: threads to compute on.

    Raises:
        MalformedModel: the bytes are no such graph.
    """

    def __init__(
        self,
        content: bytes,
        *,
        input_shape: tuple[int, ...],
        output_sizes: Sequence[int],
        threads: int,
    ) -> None:
        try:
            self._interpreter = Interpreter(model_content=content, num_threads=threads)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise MalformedModel("The TensorFlow Lite graph can't be loaded.") from error
        inputs = self._interpreter.get_input_details()
        outputs = {
            int(np.prod(d["shape"])): int(d["index"])
            for d in self._interpreter.get_output_details()
        }
        shapes = [tuple(int(n) for n in d["shape"]) for d in inputs]
        if shapes != [input_shape] or any(size not in outputs for size in output_sizes):
            raise MalformedModel("The TensorFlow Lite graph has other inputs or outputs.")
        self._input = int(inputs[0]["index"])
        self._outputs = tuple(outputs[size] for size in output_sizes)

    def run(
        self, crop: NDArray[np.uint8], *, scale: float, offset: float
    ) -> list[NDArray[np.float32]]:
        """Returns the outputs for `crop` · scale + offset, the crop being of the input's shape."""
        view = self._interpreter.tensor(self._input)()
        np.multiply(crop, np.float32(scale), out=view[0], dtype=np.float32)
        if offset:
            view += np.float32(offset)
        # LiteRT refuses to run while anybody holds a view of its buffers.
        del view
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]
