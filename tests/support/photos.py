"""Photos for tests: JPEG files of a size, with whatever a camera or a forger writes into them."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

SIZE = (420, 540)
MARK = b"Osaka, 2026-11-01, camera 4711"


def picture(size: tuple[int, int] = SIZE, mode: str = "RGB") -> Image.Image:
    """Return a picture that is not of one colour."""
    shades = Image.linear_gradient("L").resize(size)
    return shades.convert(mode)


def jpeg(
    size: tuple[int, int] = SIZE,
    mode: str = "RGB",
    *,
    orientation: int = 0,
    progressive: bool = False,
) -> bytes:
    """Return a photo as a program writes it."""
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    octets = BytesIO()
    picture(size, mode).save(
        octets, "JPEG", quality=80, progressive=progressive, exif=exif.tobytes()
    )
    return octets.getvalue()


def talkative() -> bytes:
    """Return a photo that says MARK in EXIF, in a comment, in a profile, and behind its end."""
    exif = Image.Exif()
    exif[0x010F] = MARK.decode()
    octets = BytesIO()
    picture().save(octets, "JPEG", exif=exif.tobytes(), comment=MARK, icc_profile=MARK * 8)
    return octets.getvalue() + MARK


def other(kind: str) -> bytes:
    """Return the picture as a file of another kind."""
    octets = BytesIO()
    picture().save(octets, kind)
    return octets.getvalue()


def segment(marker: int, body: bytes) -> bytes:
    """Return a segment of a JPEG file."""
    return b"\xff" + bytes([marker]) + (len(body) + 2).to_bytes(2, "big") + body


def with_frame(photo: bytes, width: int, height: int) -> bytes:
    """Return a photo whose header claims another size."""
    at = photo.index(b"\xff\xc0") + 5
    return photo[:at] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + photo[at + 4 :]
