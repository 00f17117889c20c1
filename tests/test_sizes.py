"""Amounts of data and money, as people write and read them."""

from __future__ import annotations

import pytest

from rolecall.sizes import price_text, size_bytes, size_text


@pytest.mark.parametrize(
    ("text", "number"),
    [("10", 10), ("1 kB", 1000), ("1.5MB", 1_500_000), ("2GiB", 2 << 30), ("3 tb", 3 * 10**12)],
)
def test_a_size_is_read_with_its_unit(text: str, number: int) -> None:
    assert size_bytes(text) == number


@pytest.mark.parametrize("text", ["", "GB", "-1", "10 XB", "1e3"])
def test_what_is_not_a_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an amount of data such as 10 GB"):
        size_bytes(text)


@pytest.mark.parametrize("text", ["9" * 400, "9" * 400 + ".5 GB", "10000 PB"])
def test_a_size_that_nothing_has_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is more data than there is"):
        size_bytes(text)


@pytest.mark.parametrize(
    ("number", "text"),
    [(1, "1 byte"), (999, "999 bytes"), (999_600, "1 MB"), (1_234_567, "1.23 MB")],
)
def test_a_size_has_the_digits_that_matter(number: int, text: str) -> None:
    assert size_text(number) == text


@pytest.mark.parametrize(
    ("dollars", "text"),
    [(0, "$0.00"), (0.00005, "$0.00005"), (0.0123, "$0.012"), (1234.5, "$1,234.50")],
)
def test_a_price_keeps_two_digits_however_small(dollars: float, text: str) -> None:
    assert price_text(dollars) == text
