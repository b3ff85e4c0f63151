"""Which of the mesh's 468 points are lids, lips and contour.

The numbering is that of the MediaPipe face mesh (Apache-2.0); "right" and "left" are the
subject's own. Upper and lower rows run in the same order, so that points with the same place in
their row meet when the lids or the lips close.
"""

from __future__ import annotations

POINTS = 468

RIGHT_UPPER_LID = (246, 161, 160, 159, 158, 157, 173)
RIGHT_LOWER_LID = (7, 163, 144, 145, 153, 154, 155)
RIGHT_EYE_CORNERS = (33, 133)
RIGHT_LID_FOLD = (247, 30, 29, 27, 28, 56, 190)

LEFT_UPPER_LID = (466, 388, 387, 386, 385, 384, 398)
LEFT_LOWER_LID = (249, 390, 373, 374, 380, 381, 382)
LEFT_EYE_CORNERS = (263, 362)
LEFT_LID_FOLD = (467, 260, 259, 257, 258, 286, 414)

BROWS = (46, 53, 52, 65, 55, 70, 63, 105, 66, 107, 276, 283, 282, 295, 285, 300, 293, 334, 296, 336)

EYES = (
    (RIGHT_UPPER_LID, RIGHT_LOWER_LID, RIGHT_LID_FOLD, RIGHT_EYE_CORNERS),
    (LEFT_UPPER_LID, LEFT_LOWER_LID, LEFT_LID_FOLD, LEFT_EYE_CORNERS),
)

UPPER_LIP_INNER = (191, 80, 81, 82, 13, 312, 311, 310, 415)
LOWER_LIP_INNER = (95, 88, 178, 87, 14, 317, 402, 318, 324)
INNER_MOUTH_CORNERS = (78, 308)
MOUTH_CORNERS = (61, 291)
UPPER_LIP_OUTER = (40, 39, 37, 0, 267, 269, 270)
LOWER_LIP_OUTER = (91, 181, 84, 17, 314, 405, 321)

# From the forehead's middle, clockwise as one looks at an unmirrored picture.
CONTOUR = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip

FOREHEAD, CHIN = 10, 152
RIGHT_CHEEK_EDGE, LEFT_CHEEK_EDGE = 234, 454
NOSE_TIP = 1

# Points that neither lids nor lips nor jaw move: the frame that holds an expression in place.
STILL = (10, 9, 8, 168, 6, 197, 195, 5, 4, 1, 2, 98, 327, 129, 358, 151, 234, 454, 127, 356,
         162, 389, 21, 251, 54, 284, 103, 332, 67, 297, 109, 338, 105, 334, 66, 296, 107, 336,
         70, 300, 50, 280, 116, 345)  # fmt: skip
