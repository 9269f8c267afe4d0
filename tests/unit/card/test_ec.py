from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from juki_card import ec
from juki_card.errors import AuthenticationFailed, CardError, ParseError
from tests.support.leading_zeros import first_with_zero

BOTH = pytest.mark.parametrize("domain", [ec.P256, ec.BRAINPOOL_P256R1], ids=lambda d: d.name)
SEARCH = 4096


def scalar(domain: ec.Domain, number: int) -> ec.Scalar:
    return ec.Scalar(domain, number)


@pytest.mark.parametrize("domain", ec.DOMAINS, ids=lambda d: d.name)
def test_domain_numbers_are_those_of_the_cryptography_package(domain: ec.Domain) -> None:
    generator = ec.private_key(domain, 1).public_key().public_numbers()
    negative = ec.private_key(domain, domain.order - 1).public_key().public_numbers()
    double = ec.private_key(domain, 2).public_key().public_numbers()

    assert (generator.x, generator.y) == domain.generator
    assert (negative.x, negative.y) == (generator.x, domain.prime - generator.y)
    assert domain.add(domain.generator, domain.generator) == (double.x, double.y)
    assert domain.square_root(generator.x) in (generator.y, domain.prime - generator.y)
    assert ec.domain_of(domain.parameter_id) is domain


@BOTH
@settings(max_examples=15, deadline=None)
@given(factor=st.integers(1, 2**255), number=st.integers(1, 2**255))
def test_product_is_the_whole_point(domain: ec.Domain, factor: int, number: int) -> None:
    factor, number = factor % domain.order or 1, number % domain.order or 1
    point = ec.private_key(domain, number).public_key()
    expected = ec.private_key(domain, factor * number % domain.order).public_key()

    product = ec.multiply(scalar(domain, factor), point)

    assert ec.encode_point(product) == ec.encode_point(expected)


@BOTH
@pytest.mark.parametrize("number", [1, 2, 3, -1, -2])
def test_product_with_a_scalar_at_the_border_is_right(domain: ec.Domain, number: int) -> None:
    number %= domain.order
    point = ec.private_key(domain, 5).public_key()
    expected = ec.private_key(domain, 5 * number % domain.order).public_key()

    product = ec.multiply(scalar(domain, number), point)

    assert ec.encode_point(product) == ec.encode_point(expected)


@BOTH
@settings(max_examples=15, deadline=None)
@given(nonce=st.binary(min_size=16, max_size=16), own=st.integers(1, 2**250))
def test_both_sides_map_to_the_generator_of_the_formula(
    domain: ec.Domain, nonce: bytes, own: int
) -> None:
    other = 0xC0FFEE
    reader = ec.map_generator(
        nonce, scalar(domain, own), ec.private_key(domain, other).public_key()
    )
    card = ec.map_generator(nonce, scalar(domain, other), ec.private_key(domain, own).public_key())
    # s*G + k*P is (s + k*p)*G, and here p is known.
    number = (int.from_bytes(nonce, "big") + own * other) % domain.order
    expected = ec.encode_point(ec.private_key(domain, number).public_key())

    assert ec.encode_point(reader.point()) == ec.encode_point(card.point()) == expected


@BOTH
def test_mapping_that_meets_infinity_is_refused(domain: ec.Domain) -> None:
    nonce = bytes(15) + b"\x07"
    peer = ec.private_key(domain, domain.order - 7).public_key()

    with pytest.raises(AuthenticationFailed, match="generator"):
        ec.map_generator(nonce, scalar(domain, 1), peer)


@BOTH
def test_mapping_of_equal_points_doubles(domain: ec.Domain) -> None:
    nonce = bytes(15) + b"\x07"
    peer = ec.private_key(domain, 7).public_key()

    mapped = ec.map_generator(nonce, scalar(domain, 1), peer)

    expected = ec.private_key(domain, 14).public_key()
    assert ec.encode_point(mapped.point()) == ec.encode_point(expected)


@BOTH
def test_x_coordinate_with_leading_zero_keeps_its_length(domain: ec.Domain) -> None:
    key = ec.private_key(domain, first_with_zero(domain, 1, other_than=0))

    octets = ec.encode_point(key.public_key())

    assert len(octets) == 2 * domain.size + 1
    assert ec.compress(octets) == ec.compress(key.public_key())
    assert len(ec.compress(octets)) == domain.size
    assert ec.compress(octets)[0] == 0
    assert ec.encode_point(ec.decode_point(domain, octets)) == octets


@BOTH
def test_shared_secret_with_leading_zero_keeps_its_length(domain: ec.Domain) -> None:
    ours = ec.private_key(domain, 0xBEEF)
    theirs = next(
        key
        for key in (ec.private_key(domain, number) for number in range(1, SEARCH))
        if ec.ecdh(key, ours.public_key())[0] == 0
    )

    secret = ec.ecdh(ours, theirs.public_key())

    assert len(secret) == domain.size
    assert secret == ec.ecdh(theirs, ours.public_key())


@pytest.mark.parametrize("half", [0, 1], ids=["r", "s"])
def test_signature_with_leading_zero_keeps_its_length(half: int) -> None:
    from cryptography.hazmat.primitives.hashes import SHA256

    key = ec.private_key(ec.P256, 0xF00D)
    message, signature = next(
        (message, signature)
        for message in (number.to_bytes(4, "big") for number in range(SEARCH))
        if (signature := ec.sign(key, message, algorithm=SHA256()))[32 * half] == 0
    )

    assert len(signature) == 64
    ec.verify(key.public_key(), signature, message, algorithm=SHA256())


def test_signature_that_is_altered_cut_or_of_other_octets_is_refused() -> None:
    from cryptography.hazmat.primitives.hashes import SHA256

    key = ec.private_key(ec.P256, 0xF00D)
    signature = ec.sign(key, b"message", algorithm=SHA256())

    for wrong in (signature[:-1], bytes(64), signature[:-1] + bytes((signature[-1] ^ 1,)), b""):
        with pytest.raises(AuthenticationFailed):
            ec.verify(key.public_key(), wrong, b"message", algorithm=SHA256())
    with pytest.raises(AuthenticationFailed):
        ec.verify(key.public_key(), signature, b"other", algorithm=SHA256())


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\x04" + bytes(64),
        b"\x02" + bytes(32),
        b"\x06" + bytes(64),
        b"\x04" + b"\xff" * 64,
        b"\x00",
    ],
)
def test_point_that_is_not_on_the_curve_is_refused(octets: bytes) -> None:
    with pytest.raises(ParseError):
        ec.decode_point(ec.P256, octets)


def test_key_agreement_across_curves_is_refused() -> None:
    ours = ec.private_key(ec.P256, 5)
    theirs = ec.private_key(ec.BRAINPOOL_P256R1, 5).public_key()

    with pytest.raises(AuthenticationFailed):
        ec.ecdh(ours, theirs)


def test_scalar_out_of_range_is_refused_and_never_shown() -> None:
    for number in (0, ec.P256.order, -1):
        with pytest.raises(CardError):
            ec.Scalar(ec.P256, number)

    assert "271828" not in repr(ec.Scalar(ec.P256, 271828))


def test_scalar_from_random_octets_is_in_range_and_needs_enough_of_them() -> None:
    assert ec.Scalar.from_random(ec.P256, bytes(40)).number == 1
    assert 1 <= ec.Scalar.from_random(ec.P256, b"\xff" * 40).number < ec.P256.order
    with pytest.raises(CardError, match="random"):
        ec.Scalar.from_random(ec.P256, bytes(39))


def test_unknown_domain_is_refused() -> None:
    with pytest.raises(ParseError):
        ec.domain_of(11)
