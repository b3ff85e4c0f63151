"""A MiniFASNet written down plainly, for the conversions to be held against.

The description is written once over a handful of operations; numpy computes them here in
double precision, and torch wherever it is installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

GROUPS = (("conv_23", "conv_3", 4), ("conv_34", "conv_4", 6), ("conv_45", "conv_5", 2))


class Operations(Protocol):
    def conv(self, x: Any, weights: Any, stride: int, pad: int) -> Any: ...
    def norm(self, x: Any, gamma: Any, beta: Any, mean: Any, variance: Any) -> Any: ...
    def prelu(self, x: Any, slopes: Any) -> Any: ...
    def mean(self, x: Any) -> Any: ...
    def relu(self, x: Any) -> Any: ...
    def sigmoid(self, x: Any) -> Any: ...


class InNumpy:
    """Values have the shape (1, channels, rows, columns), or (1, numbers)."""

    def conv(
        self, x: NDArray[np.float64], weights: NDArray[np.float32], stride: int, pad: int
    ) -> NDArray[np.float64]:
        rows, columns = weights.shape[2:]
        padded = np.pad(x[0], ((0, 0), (pad, pad), (pad, pad)))
        height = (padded.shape[1] - rows) // stride + 1
        width = (padded.shape[2] - columns) // stride + 1
        total = np.zeros((weights.shape[0], height, width))
        for row in range(rows):
            for column in range(columns):
                seen = padded[
                    :,
                    row : row + stride * (height - 1) + 1 : stride,
                    column : column + stride * (width - 1) + 1 : stride,
                ]
                tap = weights[:, :, row, column].astype(np.float64)
                total += tap[:, :, None] * seen if tap.shape[1] == 1 else np.tensordot(tap, seen, 1)
        return total[None]

    def norm(
        self,
        x: NDArray[np.float64],
        gamma: NDArray[np.float32],
        beta: NDArray[np.float32],
        mean: NDArray[np.float32],
        variance: NDArray[np.float32],
    ) -> NDArray[np.float64]:
        shape = (1, -1) + (1,) * (x.ndim - 2)
        g, b, m, v = (p.astype(np.float64).reshape(shape) for p in (gamma, beta, mean, variance))
        return np.asarray((x - m) / np.sqrt(v + 1e-5) * g + b)

    def prelu(self, x: NDArray[np.float64], slopes: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.where(x < 0, x * slopes.reshape(1, -1, 1, 1), x)

    def mean(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(x.mean(axis=(2, 3), keepdims=True))

    def relu(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.maximum(x, 0)

    def sigmoid(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(1 / (1 + np.exp(-x)))


class InTorch:
    def __init__(self, torch: Any) -> None:
        self._f = torch.nn.functional

    def conv(self, x: Any, weights: Any, stride: int, pad: int) -> Any:
        depthwise = weights.shape[1] == 1
        groups = weights.shape[0] if depthwise else 1
        return self._f.conv2d(x, weights, stride=stride, padding=pad, groups=groups)

    def norm(self, x: Any, gamma: Any, beta: Any, mean: Any, variance: Any) -> Any:
        return self._f.batch_norm(x, mean, variance, gamma, beta, eps=1e-5)

    def prelu(self, x: Any, slopes: Any) -> Any:
        return self._f.prelu(x, slopes)

    def mean(self, x: Any) -> Any:
        return self._f.adaptive_avg_pool2d(x, 1)

    def relu(self, x: Any) -> Any:
        return self._f.relu(x)

    def sigmoid(self, x: Any) -> Any:
        return x.sigmoid()


def logits(state: Mapping[str, Any], x: Any, ops: Operations) -> Any:
    """Returns (1, 3) for `x`, (1, 3, 80, 80), BGR, 0 to 255."""

    def norm(value: Any, name: str) -> Any:
        parts = ("weight", "bias", "running_mean", "running_var")
        return ops.norm(value, *(state[f"module.{name}.{part}"] for part in parts))

    def layer(value: Any, name: str, stride: int = 1, pad: int = 0) -> Any:
        value = ops.conv(value, state[f"module.{name}.conv.weight"], stride, pad)
        value = norm(value, f"{name}.bn")
        slopes = state.get(f"module.{name}.prelu.weight")
        return value if slopes is None else ops.prelu(value, slopes)

    def block(value: Any, name: str, stride: int = 1) -> Any:
        value = layer(value, f"{name}.conv")
        value = layer(value, f"{name}.conv_dw", stride, 1)
        return layer(value, f"{name}.project")

    def excited(value: Any, name: str) -> Any:
        if f"module.{name}.fc1.weight" not in state:
            return value
        gate = ops.mean(value)
        gate = ops.conv(gate, state[f"module.{name}.fc1.weight"], 1, 0)
        gate = ops.relu(norm(gate, f"{name}.bn1"))
        gate = ops.conv(gate, state[f"module.{name}.fc2.weight"], 1, 0)
        return value * ops.sigmoid(norm(gate, f"{name}.bn2"))

    x = layer(x, "conv1", 2, 1)
    x = layer(x, "conv2_dw", 1, 1)
    for strided, group, blocks in GROUPS:
        x = block(x, strided, 2)
        for number in range(blocks):
            name = f"{group}.model.{number}"
            x = x + excited(block(x, name), f"{name}.se_module")
    x = layer(layer(x, "conv_6_sep"), "conv_6_dw")
    x = norm(x.reshape(1, 512) @ state["module.linear.weight"].T, "bn")
    return x @ state["module.prob.weight"].T
