"""What can be wrong with what an evaluation is given."""

from __future__ import annotations

from common.errors import InvalidInput


class FolderUnusable(InvalidInput):
    """The folder isn't there, or holds no clip."""

    code = "pad_folder_unusable"
    message = "The folder holds no clip that can be read."


class LabelsUnusable(InvalidInput):
    """`labels.json` is not in the form that docs/evaluation says."""

    code = "pad_labels_unusable"
    message = "labels.json is not in the form that is documented."


class NothingToDo(InvalidInput):
    """What was asked for leaves no attempt to make."""

    code = "pad_nothing_to_do"
    message = "There is nothing to evaluate: give a folder, people, or both."
