"""What can be wrong with a pack, its sources, its files, or a picture given to an engine."""

from __future__ import annotations

from common.errors import InvalidInput, Misconfigured, NotFound, NotPermitted


class PackError(Misconfigured):
    """A pack can't be used as it lies on disk."""

    code = "pack_unusable"
    message = "The model pack can't be used."


class ManifestError(PackError):
    """A manifest says something that this version doesn't understand."""

    code = "manifest_invalid"
    message = "The manifest of the model pack is not valid."


class DigestMismatch(PackError):
    """A file is not the one its manifest names.

    Attributes:
        file: name of the file.
        expected: SHA-256 in the manifest, hexadecimal.
        found: SHA-256 of the bytes found, hexadecimal.
    """

    code = "pack_digest_mismatch"

    def __init__(self, file: str, *, expected: str, found: str) -> None:
        self.file = file
        self.expected = expected
        self.found = found
        super().__init__(f"{file}: expected SHA-256 {expected}, found {found}.")


class FilesMissing(PackError):
    """Files of a pack are not there.

    Attributes:
        files: their names.
    """

    code = "pack_files_missing"

    def __init__(self, message: str, *, files: tuple[str, ...]) -> None:
        self.files = files
        super().__init__(message)


class SourceUnreachable(PackError):
    """No source of a file could be fetched."""

    code = "pack_source_unreachable"
    message = "No source of the file could be reached."


class HostileArchive(PackError):
    """An archive holds something that a source of models has no business to hold."""

    code = "pack_archive_refused"
    message = "The archive was refused."


class MalformedModel(PackError):
    """A weights file can't be read as what it says it is."""

    code = "model_malformed"
    message = "The weights file can't be read."


class LicenceNotAccepted(NotPermitted):
    """The pack's licence must be accepted by name first."""

    code = "licence_not_accepted"
    message = "The licence of this pack must be accepted first."


class UnknownPack(NotFound):
    """No manifest of this name exists."""

    code = "pack_unknown"
    message = "There is no such model pack."


class UnusablePicture(InvalidInput):
    """A picture is not a height × width × 3 array of uint8."""

    code = "unusable_picture"
    message = "The picture is not an 8-bit RGB picture."


class UnusableRegion(InvalidInput):
    """A region or a set of points is empty, degenerate, or not finite."""

    code = "unusable_region"
    message = "The region of the face is empty or not finite."


class NoFaceToEmbed(InvalidInput):
    """An embedder with a detector of its own sees no face where the mesh is."""

    code = "no_face_to_embed"
    message = "The embedder's own detector sees no face there."


class NoPadScore(InvalidInput):
    """A PAD engine can't judge what is in the box: no face, or too little around it."""

    code = "no_pad_score"
    message = "The PAD engine can't judge the face there."
