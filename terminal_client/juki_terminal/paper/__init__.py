"""Signed content on paper, and paper back to signed content.

`content` and `envelope` read what the center signed, `trust` knows the copy signers, `fonts`
decides what can be printed, `render` sets the paper, `qr` the code on it, and `verify` gives the
verdict on a PDF or a QR text. Printing itself, the journal and the center's RPCs are not here.
"""

from __future__ import annotations
