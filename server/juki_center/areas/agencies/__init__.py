"""Identity confirmation for agencies (Residential Basic Book Act, article 30-9 and its tables).

Use cases, each `(tx, command, now, policy) -> answer`, to be run by `store.act`:

    confirm.confirm              one question, by code or by attributes
    batches.open_batch           begin a batch, or take it up again
    batches.confirm_lines        answer lines of a batch
    batches.finish_batch         the sums of a batch
    watch.next_notices           the next change notices after a cursor

`watch.has_news` is for `store.read`: whether `next_notices` may have anything to tell.
"""

from __future__ import annotations
