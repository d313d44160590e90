"""Numbers for people: rounded to three digits, never up a unit."""

import pytest

from cnnspec.report.amounts import bytes_text, field_text, short


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, "?"),
        (0, "0"),
        (999, "999"),
        (1_000, "1.00k"),
        (9_994, "9.99k"),
        (9_995, "10.0k"),
        (99_949, "99.9k"),
        (99_950, "100k"),
        (999_499, "999k"),
        (999_500, "1.00M"),
        (4_089_184_256, "4.09G"),
        (5 * 10**24, "5,000,000E"),
    ],
)
def test_three_digits(amount: int | None, text: str) -> None:
    assert short(amount) == text


def test_bytes_and_fields() -> None:
    assert [bytes_text(one) for one in (None, 999, 37_632, 12_345_678)] == [
        "?",
        "999 B",
        "37.6 KB",
        "12.3 MB",
    ]
    assert [field_text(one) for one in (None, (7, 7), (3.5, 4))] == ["", "7x7", "3.5x4"]
