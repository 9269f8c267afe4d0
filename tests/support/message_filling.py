"""Messages of the wire with any values in their fields, for fuzzing what reads them."""

from __future__ import annotations

from google.protobuf.message import Message
from hypothesis import strategies as st

# What registers really hold, what they must not hold, and anything.
texts = st.one_of(
    st.text(max_size=12),
    st.text(st.sampled_from("辻󠄁𠮷か\u3099ｶﾞ\u202e\u200d\ue000㈱관 　'’-1\x00"), max_size=12),
    st.text(min_size=190, max_size=210),
)
numbers = st.one_of(st.integers(0, 13), st.integers(0, 2**32 - 1))


def fill(data: st.DataObject, message: Message) -> None:
    """Give one field of the message, or of one inside it, another value."""
    fields = list(message.DESCRIPTOR.fields)
    if not fields:
        message.SetInParent()
        return
    field = data.draw(st.sampled_from(fields))
    if field.message_type is not None and not field.is_repeated:
        fill(data, getattr(message, field.name))
    elif field.is_repeated and field.message_type is None:
        is_text = field.type == field.TYPE_STRING
        values = texts if is_text else numbers.map(lambda number: number % 2**31)
        getattr(message, field.name).append(data.draw(values))
    elif field.is_repeated:
        if len(getattr(message, field.name)):
            fill(data, getattr(message, field.name)[0])
    elif field.cpp_type == field.CPPTYPE_STRING:
        text = data.draw(texts)
        value = text if field.type == field.TYPE_STRING else text.encode()
        setattr(message, field.name, value)
    elif field.cpp_type == field.CPPTYPE_BOOL:
        setattr(message, field.name, data.draw(st.booleans()))
    else:
        setattr(message, field.name, data.draw(numbers) % 2**31)
