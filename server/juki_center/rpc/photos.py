"""Photos of requests: checked, cleaned and decoded away from the event loop."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING

from juki_center.areas.cards.photos import not_usable, stripped

if TYPE_CHECKING:
    from juki_center.areas.cards.application_commands import ApplicationForm


async def with_usable_photo(form: ApplicationForm) -> ApplicationForm:
    """Return a form whose photo was checked and cleaned. Raises Refusal(PHOTO_NOT_USABLE)."""
    if form.photo is None:
        return form
    return replace(form, photo=await usable_photo(form.photo))


async def usable_photo(octets: bytes) -> bytes:
    """Return a photo as it is kept: without metadata.

    Raises Refusal(PHOTO_NOT_USABLE) with the rule of `photos.stripped`; DAMAGED where the picture
    cannot be decoded. Rows that a camera failed to write show as grey: those a clerk has to see.
    """
    return await asyncio.to_thread(_checked, octets)


def _checked(octets: bytes) -> bytes:
    # It takes long to load, and no command but a center that serves is to wait for it.
    from PIL import Image  # noqa: PLC0415

    photo = stripped(octets)
    try:
        with Image.open(BytesIO(photo), formats=["JPEG"]) as image:
            image.load()
    except (OSError, SyntaxError, ValueError) as error:
        raise not_usable("DAMAGED") from error
    return photo
