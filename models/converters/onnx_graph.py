"""Builds a small ONNX model, node by node, to the same bytes every time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

# Older than what the installed library writes by default, so that its next version
# changes nothing; every operator used here exists in this form since opset 13 or before.
OPSET: Final = 17
IR_VERSION: Final = 8
PRODUCER: Final = "cameo"


class GraphBuilder:
    """Collects nodes and constants in the order they are asked for."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._count = 0

    def name(self, stem: str) -> str:
        """Returns a value name that is used once."""
        self._count += 1
        return f"{stem}_{self._count}"

    def constant(self, stem: str, values: NDArray[np.float32] | NDArray[np.int64]) -> str:
        """Adds a constant tensor; returns its name."""
        name = self.name(stem)
        kind = TensorProto.INT64 if values.dtype == np.int64 else TensorProto.FLOAT
        little_endian = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
        self._constants.append(
            helper.make_tensor(name, kind, values.shape, little_endian.tobytes(), raw=True)
        )
        return name

    def add(
        self,
        operator: str,
        inputs: Sequence[str],
        *,
        output: str | None = None,
        **attributes: int | list[int],
    ) -> str:
        """Adds a node with one output; returns the output's name."""
        result = output or self.name(operator.lower())
        node = helper.make_node(operator, list(inputs), [result])
        # In the order of their names, as make_node itself would have them.
        node.attribute.extend(helper.make_attribute(k, v) for k, v in sorted(attributes.items()))
        self._nodes.append(node)
        return result

    def conv(
        self,
        value: str,
        weights: NDArray[np.float32],
        bias: NDArray[np.float32],
        *,
        stride: tuple[int, int],
        pads: tuple[int, int, int, int],
        group: int = 1,
    ) -> str:
        """Adds a convolution.

        Args:
            value: input, (1, channels, height, width).
            weights: (filters, channels / group, rows, columns).
            bias: (filters,).
            stride: rows, columns.
            pads: top, left, bottom, right.
            group: 1, or the number of channels in a depthwise convolution.
        """
        inputs = [value, self.constant("weights", weights), self.constant("bias", bias)]
        return self.add(
            "Conv",
            inputs,
            kernel_shape=[int(n) for n in weights.shape[2:]],
            strides=list(stride),
            pads=list(pads),
            group=group,
        )

    def build(
        self,
        *,
        name: str,
        input_name: str,
        input_shape: tuple[int, ...],
        output_name: str,
        output_shape: tuple[int, ...],
    ) -> bytes:
        """Returns the serialised model, checked."""
        graph = helper.make_graph(
            self._nodes,
            name,
            [helper.make_tensor_value_info(input_name, TensorProto.FLOAT, input_shape)],
            [helper.make_tensor_value_info(output_name, TensorProto.FLOAT, output_shape)],
            initializer=self._constants,
        )
        model = helper.make_model(
            graph,
            producer_name=PRODUCER,
            producer_version="1",
            ir_version=IR_VERSION,
            opset_imports=[helper.make_opsetid("", OPSET)],
        )
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString(deterministic=True))
