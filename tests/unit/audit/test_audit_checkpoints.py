"""Signed notes and checkpoints: published ones verify, and nothing else does."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from juki_audit import checkpoints, notes
from juki_audit.checkpoints import Checkpoint, SignedCheckpoint
from juki_audit.errors import HeadNotTrusted, LogMalformed
from juki_audit.notes import MAX_SIGNATURES, Note, Signature, VerifierKey
from juki_audit.tree import EMPTY_ROOT, MAX_SIZE, Head
from tests.support.audit_vectors import VECTORS

NOTE = VECTORS["note"]
PETER = VerifierKey.decode(NOTE["key"])
ENOCH = VerifierKey.decode(NOTE["other_key"])
PETERS_SECRET = Ed25519PrivateKey.from_private_bytes(base64.b64decode(NOTE["seed"])[1:])
SIGNED_BY_BOTH = (NOTE["text"] + "\n" + NOTE["line"] + NOTE["other_line"]).encode()
GO = VECTORS["checkpoints"]
GO_KEY = VerifierKey.decode(GO["key"])

ORIGIN = "center.example/log"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
TRUSTED = VerifierKey.of(ORIGIN, KEY)
HEAD = Head(300, bytes(range(32)))
SIGNED = checkpoints.sign(Checkpoint(ORIGIN, HEAD), KEY)
OCTETS = SIGNED.note().encode()
WITNESS = Signature("witness.example/w1", b"\x8d\x66\xcf\x3f", bytes(72))


def _rule_of(octets: bytes) -> str:
    with pytest.raises(LogMalformed) as refused:
        checkpoints.parse(octets)
    return refused.value.rule


def test_published_note_is_signed_octet_by_octet() -> None:
    line = notes.sign(NOTE["text"], NOTE["name"], PETERS_SECRET)

    assert line.encode() + "\n" == NOTE["line"]
    assert Note(NOTE["text"], (line,)).encode() == (NOTE["text"] + "\n" + NOTE["line"]).encode()


def test_published_keys_have_their_encoding() -> None:
    assert PETER.encode() == NOTE["key"]
    assert ENOCH.encode() == NOTE["other_key"]
    assert VerifierKey.of(NOTE["name"], PETERS_SECRET) == PETER


@pytest.mark.parametrize(
    ("keys", "expected"),
    [([], []), ([PETER], [True]), ([ENOCH], [True]), ([ENOCH, PETER, PETER], [True, True])],
)
def test_published_note_verifies_by_the_keys_that_are_known(
    keys: list[VerifierKey], expected: list[bool]
) -> None:
    note = Note.decode(SIGNED_BY_BOTH)

    assert notes.verdicts(note, keys) == expected
    assert note.encode() == SIGNED_BY_BOTH


def test_signature_over_another_text_is_not_good() -> None:
    note = replace(Note.decode(SIGNED_BY_BOTH), text=NOTE["text"] + "\n")

    assert notes.verdicts(note, [PETER, ENOCH]) == [False, False]


def test_two_keys_that_cannot_be_told_apart_are_refused() -> None:
    """Ids are 4 octets of a hash, so that two keys of one name and one id are soon found."""
    keys = [VerifierKey("log.example", number.to_bytes(32, "big")) for number in (19719, 33356)]

    assert keys[0].key_id == keys[1].key_id
    with pytest.raises(LogMalformed, match="KEYS_AMBIGUOUS"):
        notes.verdicts(Note.decode(SIGNED_BY_BOTH), keys)


@pytest.mark.parametrize("text", NOTE["refused_keys"])
def test_published_keys_of_other_kinds_are_refused(text: str) -> None:
    with pytest.raises(LogMalformed):
        VerifierKey.decode(text)


def test_no_part_of_a_key_and_no_other_letter_in_it_is_a_key() -> None:
    text = PETER.encode()
    parts = [text[:end] for end in range(len(text))] + [text[start:] for start in range(1, 99)]
    changed = [
        text[:place] + chr(ord(text[place]) + 1) + text[place + 1 :] for place in range(len(text))
    ]

    for other in parts + changed:
        with pytest.raises(LogMalformed):
            VerifierKey.decode(other)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("KEY_FORM", "name"),
        ("KEY_FORM", "name+c74f20a3"),
        ("KEY_FORM", "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"),
        ("KEY_BASE64", "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T"),
        ("KEY_BASE64", "PeterNeumann+c74f20a3+\u3042"),
        ("KEY_TYPE", "PeterNeumann+c74f20a3+"),
        ("KEY_TYPE", "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"),
        ("KEY_LENGTH", "PeterNeumann+c74f20a3+AQ=="),
        ("KEY_ID", "PeterNeuman+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"),
        ("KEY_NAME", "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"),
        ("KEY_NAME", "a b+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"),
    ],
)
def test_malformed_key_names_the_rule_and_echoes_nothing(rule: str, text: str) -> None:
    with pytest.raises(LogMalformed) as refused:
        VerifierKey.decode(text)

    assert str(refused.value) == rule


@pytest.mark.parametrize(
    "name", ["", "a b", "a+b", "a\u3000b", "a\u00a0b", "a\nb", "\x00", "\ud800"]
)
def test_name_that_a_line_cannot_hold_names_no_key(name: str) -> None:
    with pytest.raises(LogMalformed, match="KEY_NAME"):
        VerifierKey(name, bytes(32))


@pytest.mark.parametrize("case", GO["heads"])
def test_published_checkpoint_verifies(case: dict[str, object]) -> None:
    octets = str(case["text"]).encode()

    signed = checkpoints.parse(octets)

    assert checkpoints.verify(signed, GO["origin"], [GO_KEY]).head.size == case["size"]
    assert signed.note().encode() == octets


def test_published_cosigned_example_is_kept_as_it_is() -> None:
    octets = GO["cosigned"].encode()

    signed = checkpoints.parse(octets)

    assert [one.name for one in signed.signatures] == [
        "example.com/behind-the-sofa",
        "witness.example.com/w1",
    ]
    assert [len(one.octets) for one in signed.signatures] == [64, 72]
    assert signed.note().encode() == octets


def test_checkpoint_has_one_text() -> None:
    assert OCTETS.decode().splitlines()[:5] == [
        "center.example/log",
        "300",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "",
        f"\u2014 center.example/log {OCTETS.decode().split()[-1]}",
    ]
    assert checkpoints.parse(OCTETS) == SIGNED
    assert checkpoints.verify(SIGNED, ORIGIN, [TRUSTED]) == Checkpoint(ORIGIN, HEAD)


@pytest.mark.parametrize("head", [Head(0, EMPTY_ROOT), Head(MAX_SIZE, bytes(32))])
def test_smallest_and_greatest_tree_can_be_signed(head: Head) -> None:
    signed = checkpoints.sign(Checkpoint(ORIGIN, head), KEY)

    read = checkpoints.parse(signed.note().encode())

    assert checkpoints.verify(read, ORIGIN, [TRUSTED]).head == head


def test_extension_lines_are_kept_and_signed() -> None:
    signed = checkpoints.sign(Checkpoint(ORIGIN, HEAD, ("one", "two words")), KEY)

    read = checkpoints.parse(signed.note().encode())

    assert checkpoints.verify(read, ORIGIN, [TRUSTED]).extensions == ("one", "two words")


def test_lines_of_witnesses_are_kept_and_count_for_nothing() -> None:
    cosigned = SignedCheckpoint(SIGNED.checkpoint, (WITNESS, *SIGNED.signatures))

    read = checkpoints.parse(cosigned.note().encode())

    assert read.signatures[0] == WITNESS
    assert checkpoints.verify(read, ORIGIN, [TRUSTED]) == SIGNED.checkpoint
    with pytest.raises(HeadNotTrusted, match="SIGNER_UNKNOWN"):
        checkpoints.verify(replace(read, signatures=(WITNESS,)), ORIGIN, [TRUSTED])


def test_either_key_of_a_roll_over_is_enough() -> None:
    old = Ed25519PrivateKey.from_private_bytes(bytes(32))
    old_line = notes.sign(checkpoints.body(SIGNED.checkpoint), ORIGIN, old)
    both = replace(SIGNED, signatures=(old_line, *SIGNED.signatures))

    for keys in ([TRUSTED], [VerifierKey.of(ORIGIN, old)], [TRUSTED, VerifierKey.of(ORIGIN, old)]):
        assert checkpoints.verify(both, ORIGIN, keys) == SIGNED.checkpoint


def test_one_wrong_signature_of_a_trusted_key_spoils_the_rest() -> None:
    old = Ed25519PrivateKey.from_private_bytes(bytes(32))
    wrong = notes.sign("another text\n", ORIGIN, old)
    both = replace(SIGNED, signatures=(*SIGNED.signatures, wrong))

    with pytest.raises(HeadNotTrusted) as refused:
        checkpoints.verify(both, ORIGIN, [TRUSTED, VerifierKey.of(ORIGIN, old)])

    assert (refused.value.rule, refused.value.size) == ("SIGNATURE_INVALID", 300)


@pytest.mark.parametrize(
    "checkpoint",
    [
        Checkpoint(ORIGIN, Head(301, HEAD.root)),
        Checkpoint(ORIGIN, Head(300, bytes(32))),
        Checkpoint(ORIGIN, HEAD, ("more",)),
    ],
)
def test_signature_of_another_checkpoint_is_refused(checkpoint: Checkpoint) -> None:
    with pytest.raises(HeadNotTrusted, match="SIGNATURE_INVALID"):
        checkpoints.verify(SignedCheckpoint(checkpoint, SIGNED.signatures), ORIGIN, [TRUSTED])


@pytest.mark.parametrize("octets", [b"x", bytes(63), bytes(64), bytes(65)])
def test_octets_that_are_no_signature_are_refused(octets: bytes) -> None:
    (line,) = SIGNED.signatures
    signed = replace(SIGNED, signatures=(replace(line, octets=octets),))

    with pytest.raises(HeadNotTrusted, match="SIGNATURE_INVALID"):
        checkpoints.verify(signed, ORIGIN, [TRUSTED])


def test_head_of_another_log_is_refused_though_the_key_is_trusted() -> None:
    with pytest.raises(HeadNotTrusted, match="ORIGIN_OTHER"):
        checkpoints.verify(SIGNED, "other.example/log", [TRUSTED])


def test_key_of_the_same_name_and_another_id_is_unknown() -> None:
    with pytest.raises(HeadNotTrusted, match="SIGNER_UNKNOWN"):
        checkpoints.verify(SIGNED, ORIGIN, [VerifierKey(ORIGIN, bytes(32))])


def test_no_octet_of_a_checkpoint_can_be_changed() -> None:
    for place in range(len(OCTETS)):
        changed = OCTETS[:place] + bytes([OCTETS[place] ^ 1]) + OCTETS[place + 1 :]

        with pytest.raises((LogMalformed, HeadNotTrusted)):
            checkpoints.verify(checkpoints.parse(changed), ORIGIN, [TRUSTED])


TEXT, LINE = OCTETS.decode().split("\n\n")
ROOT = TEXT.split("\n")[2]


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("NOTE_FORM", ""),
        ("NOTE_FORM", TEXT + "\n"),
        ("NOTE_FORM", TEXT + "\n\n"),
        ("NOTE_FORM", TEXT + "\n" + LINE),
        ("NOTE_FORM", TEXT + "\n\n" + LINE.rstrip("\n")),
        ("SIGNATURE_LINE", TEXT + "\n\n" + LINE + "more\n"),
        ("SIGNATURE_LINE", TEXT + "\n\n" + LINE.replace("\u2014", "-")),
        ("SIGNATURE_LINE", TEXT + "\n\n\u2014 name\n"),
        ("KEY_NAME", TEXT + "\n\n\u2014  AAAAAAA=\n"),
        ("KEY_NAME", TEXT + "\n\n\u2014 a+b AAAAAAA=\n"),
        ("SIGNATURE_BASE64", TEXT + "\n\n\u2014 a b AAAAAAA=\n"),
        ("SIGNATURE_BASE64", TEXT + "\n\n\u2014 a AAAAAAB=\n"),
        ("SIGNATURE_BASE64", TEXT + "\n\n\u2014 a AAAAAAA\n"),
        ("SIGNATURE_BASE64", TEXT + "\n\n\u2014 a AAAA-_A=\n"),
        ("SIGNATURE_LENGTH", TEXT + "\n\n\u2014 a AAAAAA==\n"),
        ("SIGNATURE_LENGTH", TEXT + "\n\n\u2014 a \n"),
        ("SIGNATURE_COUNT", TEXT + "\n\n" + LINE * (MAX_SIGNATURES + 1)),
        ("SIGNATURE_TWICE", TEXT + "\n\n" + LINE * 2),
        ("NOTE_CHARACTERS", TEXT + "\r\n\n" + LINE),
        ("NOTE_CHARACTERS", "\x01" + TEXT + "\n\n" + LINE),
        ("CHECKPOINT_LINES", f"{ORIGIN}\n300\n\n" + LINE),
        ("CHECKPOINT_LINE", f"\n300\n{ROOT}\n\n" + LINE),
        ("CHECKPOINT_LINE", f"{ORIGIN}\n300\n{ROOT}\n\nmore\n\n" + LINE),
        ("CHECKPOINT_SIZE", f"{ORIGIN}\n0300\n{ROOT}\n\n" + LINE),
        ("CHECKPOINT_SIZE", f"{ORIGIN}\n-1\n{ROOT}\n\n" + LINE),
        ("CHECKPOINT_SIZE", f"{ORIGIN}\n+1\n{ROOT}\n\n" + LINE),
        ("CHECKPOINT_SIZE", f"{ORIGIN}\n\n{ROOT}\n\n" + LINE),
        ("CHECKPOINT_SIZE", f"{ORIGIN}\n\uff13\n{ROOT}\n\n" + LINE),
        ("CHECKPOINT_SIZE", f"{ORIGIN}\n{'9' * 5000}\n{ROOT}\n\n" + LINE),
        ("TREE_SIZE", f"{ORIGIN}\n{MAX_SIZE + 1}\n{ROOT}\n\n" + LINE),
        ("CHECKPOINT_ROOT", f"{ORIGIN}\n300\n{ROOT[:-1]}\n\n" + LINE),
        ("CHECKPOINT_ROOT", f"{ORIGIN}\n300\n{ROOT[:-2]}9=\n\n" + LINE),
        ("ROOT_LENGTH", f"{ORIGIN}\n300\nAAAA\n\n" + LINE),
        ("ROOT_OF_EMPTY_TREE", f"{ORIGIN}\n0\n{ROOT}\n\n" + LINE),
    ],
)
def test_malformed_checkpoint_names_its_rule(rule: str, text: str) -> None:
    assert _rule_of(text.encode()) == rule


def test_octets_that_are_no_text_are_refused() -> None:
    assert _rule_of(b"\xff" + OCTETS) == "NOTE_UTF8"
    assert _rule_of(b"\xed\xa0\x80" + OCTETS) == "NOTE_UTF8"


def test_note_beyond_the_limit_is_refused_unread() -> None:
    assert _rule_of(b"\xff" * (notes.MAX_OCTETS + 1)) == "NOTE_LENGTH"


def test_as_many_long_signatures_as_the_format_asks_for_are_read() -> None:
    lines = tuple(Signature(f"w{number}", bytes(4), bytes(5000)) for number in range(16))
    signed = SignedCheckpoint(SIGNED.checkpoint, lines)

    assert checkpoints.parse(signed.note().encode()) == signed


def test_note_whose_text_has_empty_lines_ends_at_the_last_one() -> None:
    line = notes.sign("one\n\ntwo\n", "name", KEY)
    note = Note("one\n\ntwo\n", (line,))

    assert Note.decode(note.encode()) == note
    assert notes.verdicts(note, [VerifierKey.of("name", KEY)]) == [True]


@pytest.mark.parametrize(
    ("rule", "text", "signatures"),
    [
        ("NOTE_TEXT", "", (WITNESS,)),
        ("NOTE_TEXT", "text", (WITNESS,)),
        ("NOTE_CHARACTERS", "\t\n", (WITNESS,)),
        ("NOTE_CHARACTERS", "\udc80\n", (WITNESS,)),
        ("SIGNATURE_COUNT", "text\n", ()),
    ],
)
def test_note_that_cannot_be_written_is_not_made(
    rule: str, text: str, signatures: tuple[Signature, ...]
) -> None:
    with pytest.raises(LogMalformed, match=rule):
        Note(text, signatures)


@pytest.mark.parametrize("line", ["", "a\nb", "\x1f", "\udc80"])
def test_line_that_cannot_be_written_is_in_no_checkpoint(line: str) -> None:
    with pytest.raises(LogMalformed, match="CHECKPOINT_LINE"):
        Checkpoint(line, HEAD)
    with pytest.raises(LogMalformed, match="CHECKPOINT_LINE"):
        Checkpoint(ORIGIN, HEAD, (line,))


def test_log_whose_origin_names_no_key_cannot_sign() -> None:
    with pytest.raises(LogMalformed, match="KEY_NAME"):
        checkpoints.sign(Checkpoint("two words", HEAD), KEY)
