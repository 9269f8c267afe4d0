"""A text that nobody would write by chance, in every field of every request.

What comes back out of a program, in an error, a log or a file, is found by it. The numbers of the
fields make each one another, so that a find tells which field it was.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

_DEEPEST = 6
_IDS = frozenset(("request_id", "question_id", "session_id", "batch_id", "import_id"))


@dataclass
class Aviary:
    """Canaries by the path of the field that they were put into."""

    texts: dict[str, str] = field(default_factory=dict)

    def canary(self, path: str) -> str:
        """Return the canary of a field, always the same for the same path."""
        return self.texts.setdefault(path, f"金糸雀𠮷{len(self.texts):05}号カナリヤ")


def requests(kind: type[Message], aviary: Aviary) -> Iterator[Message]:
    """Yield requests with canaries in every field, one for each choice of a oneof.

    Every second one has ids that are such, so that more than the first field is looked at.
    """
    choices = max((len(one.fields) for one in kind.DESCRIPTOR.oneofs), default=1)
    for choice in range(choices):
        for with_ids in (False, True):
            request = kind()
            _fill(request, aviary, request.DESCRIPTOR.full_name, choice, with_ids=with_ids)
            yield request


def _fill(message: Message, aviary: Aviary, path: str, choice: int, *, with_ids: bool) -> None:
    if path.count("/") >= _DEEPEST:
        return
    chosen = {one.fields[choice % len(one.fields)].name for one in message.DESCRIPTOR.oneofs}
    for one in message.DESCRIPTOR.fields:
        if one.containing_oneof is not None and one.name not in chosen:
            continue
        here = f"{path}/{one.name}"
        if one.message_type is not None:
            value = getattr(message, one.name)
            inner = value.add() if one.is_repeated else value
            inner.SetInParent()
            _fill(inner, aviary, here, choice, with_ids=with_ids)
        elif one.is_repeated:
            getattr(message, one.name).append(_value(one, aviary, here, with_ids=with_ids))
        else:
            setattr(message, one.name, _value(one, aviary, here, with_ids=with_ids))


def _value(
    one: FieldDescriptor, aviary: Aviary, path: str, *, with_ids: bool
) -> str | bytes | int | bool:
    if one.type == one.TYPE_STRING:
        is_id = with_ids and one.name in _IDS
        return str(uuid.uuid5(uuid.NAMESPACE_URL, path)) if is_id else aviary.canary(path)
    if one.type == one.TYPE_BYTES:
        return aviary.canary(path).encode()
    if one.type == one.TYPE_BOOL:
        return True
    return 1
