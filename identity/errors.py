"""What can be wrong with a clip or a picture, and with the decoder: one class and one code each.

The texts are for the person who gave the file; none of them holds a byte of it.
"""

from __future__ import annotations

from common.errors import InvalidInput, TooLarge, Unavailable, UnsupportedMedia


class ClipTooManyBytes(TooLarge):
    """The file is over the limit in bytes."""

    code = "clip_too_large"
    message = "The file is too large."


class NotAVideo(UnsupportedMedia):
    """The bytes are not an MP4, MOV, WebM or Matroska file."""

    code = "not_a_video"
    message = "This is not a video of a kind that is taken (MP4, MOV, WebM or MKV)."


class ClipCodecNotTaken(UnsupportedMedia):
    """The container is taken, the way its pictures are coded in it isn't."""

    code = "codec_not_taken"
    message = "The video is coded in a way that isn't taken; H.264 in MP4 or VP8 in WebM is."


class NotAPicture(UnsupportedMedia):
    """The bytes are not a JPEG, PNG or WebP picture."""

    code = "not_a_picture"
    message = "This is not a picture of a kind that is taken (JPEG, PNG or WebP)."


class ClipEmpty(InvalidInput):
    """No bytes, or no frame in them."""

    code = "clip_empty"
    message = "There is nothing in the file."


class ClipTruncated(InvalidInput):
    """The file ends before it says it does."""

    code = "clip_truncated"
    message = "The end of the video is missing; send it again."


class ClipDamaged(InvalidInput):
    """The decoder found an error in the pictures, or had to make some up."""

    code = "clip_damaged"
    message = "The video is damaged; record it again."


class ClipNoVideo(InvalidInput):
    """There are streams, but none of moving pictures."""

    code = "no_video_stream"
    message = "There are no moving pictures in the file."


class ClipManyVideos(InvalidInput):
    """There is more than one stream of moving pictures, so what would be judged is ambiguous."""

    code = "several_video_streams"
    message = "There is more than one video in the file."


class ClipTooLong(InvalidInput):
    """The clip lasts longer than is taken."""

    code = "clip_too_long"
    message = "The video is too long."


class ClipTooShort(InvalidInput):
    """The clip lasts less than is needed."""

    code = "clip_too_short"
    message = "The video is too short."


class ClipTooManyFrames(InvalidInput):
    """There are more frames than are taken."""

    code = "clip_too_many_frames"
    message = "The video has too many frames."


class ClipTooManyPixels(InvalidInput):
    """The picture is wider or higher than is taken, by its header or once decoded."""

    code = "clip_too_many_pixels"
    message = "The pictures of the video are too large; record it at a lower resolution."


class ClipTooFewPixels(InvalidInput):
    """The picture is too small, or too narrow, for any face."""

    code = "clip_too_few_pixels"
    message = "The pictures of the video are too small."


class ClipPixelShape(InvalidInput):
    """The pixels aren't square, or the rotation isn't by a quarter turn."""

    code = "clip_pixel_shape"
    message = "The video is stored stretched or at an angle; record it again."


class ClipSizeChanged(InvalidInput):
    """The size of the pictures changes within the clip."""

    code = "clip_size_changed"
    message = "The size of the video's pictures changes in the middle; record it again."


class ClipTimestamps(InvalidInput):
    """Presentation times are missing, negative, equal or go backwards."""

    code = "clip_timestamps"
    message = "The times of the video's pictures can't be right; record it again."


class ClipFrameRate(InvalidInput):
    """Fewer or more frames a second than are taken."""

    code = "clip_frame_rate"
    message = "The video has too few or too many pictures a second."


class PictureTooManyBytes(TooLarge):
    """The picture's file is over the limit in bytes."""

    code = "picture_too_large"
    message = "The picture's file is too large."


class PictureEmpty(InvalidInput):
    """No bytes."""

    code = "picture_empty"
    message = "There is nothing in the file."


class PictureDamaged(InvalidInput):
    """The decoder found an error in the picture."""

    code = "picture_damaged"
    message = "The picture is damaged."


class PictureTooManyPixels(InvalidInput):
    """The picture has more pixels than are taken."""

    code = "picture_too_many_pixels"
    message = "The picture has too many pixels."


class DecoderTimeout(InvalidInput):
    """The decoder used up the time one file may take."""

    code = "decoder_timeout"
    message = "The file takes too long to decode."


class DecoderMemory(InvalidInput):
    """The decoder used up the memory one file may take."""

    code = "decoder_memory"
    message = "The file takes too much memory to decode."


class DecoderFailed(InvalidInput):
    """The decoder's process ended, or said something it can't have meant."""

    code = "decoder_failed"
    message = "The file could not be decoded."


class SandboxUnavailable(Unavailable):
    """The decoder can't be started, or can't be confined; nothing is decoded without."""

    code = "sandbox_unavailable"
    message = "Files can't be decoded at the moment; try again later."
