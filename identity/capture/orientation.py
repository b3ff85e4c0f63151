"""The eight ways a picture can lie in its file, as a number from 0 to 7.

Bit 0: rows and columns are exchanged; bit 1: then the order of rows is reversed; bit 2: then the
order of columns is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

UPRIGHT = 0
_EXCHANGE, _REVERSE_ROWS, _REVERSE_COLUMNS = 1, 2, 4
_TOLERANCE = 0.02

_CLOCKWISE = {
    0: 0,
    _EXCHANGE | _REVERSE_COLUMNS: 90,
    _REVERSE_ROWS | _REVERSE_COLUMNS: 180,
    _EXCHANGE | _REVERSE_ROWS: 270,
}


def from_matrix(matrix: Sequence[int]) -> int | None:
    """Read a display matrix: 3 × 3, row by row, of which (a, b, ·, c, d) matter.

    A stored point (x, y), y downwards, is shown at (a x + c y, b x + d y)
    (ISO/IEC 14496-12, 6.2.2). None if that is no quarter turn.
    """
    a, b, _, c, d = matrix[:5]
    largest = max(abs(a), abs(b), abs(c), abs(d))
    if largest == 0:
        return UPRIGHT
    straight, crossed = max(abs(b), abs(c)), max(abs(a), abs(d))
    if straight <= _TOLERANCE * largest and min(abs(a), abs(d)) > largest / 2:
        return (_REVERSE_ROWS if d < 0 else 0) | (_REVERSE_COLUMNS if a < 0 else 0)
    if crossed <= _TOLERANCE * largest and min(abs(b), abs(c)) > largest / 2:
        return _EXCHANGE | (_REVERSE_ROWS if b < 0 else 0) | (_REVERSE_COLUMNS if c < 0 else 0)
    return None


def upright(picture: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """View a stored (height, width, 3) picture the way it is to be seen."""
    if orientation & _EXCHANGE:
        picture = picture.transpose(1, 0, 2)
    if orientation & _REVERSE_ROWS:
        picture = picture[::-1]
    if orientation & _REVERSE_COLUMNS:
        picture = picture[:, ::-1]
    return picture


def upright_size(width: int, height: int, orientation: int) -> tuple[int, int]:
    """Width and height after `upright`."""
    return (height, width) if orientation & _EXCHANGE else (width, height)


def rotation(orientation: int) -> tuple[int, bool]:
    """Clockwise degrees, and whether left and right are exchanged after that."""
    if orientation in _CLOCKWISE:
        return _CLOCKWISE[orientation], False
    return _CLOCKWISE[orientation ^ _REVERSE_COLUMNS], True
