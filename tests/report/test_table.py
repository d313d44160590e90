"""A table as plain text: as wide as what is in it, cut where there is no room, harmless on a terminal."""

from cnnspec.report.table import LEAST, Column, Row, Table, drawn

COLUMNS = (Column("name", flexible=True), Column("layer", flexible=True), Column("weights", right=True))


def lines(rows: list[Row], room: int = 100, **around: object) -> list[str]:
    return drawn(Table(COLUMNS, rows, **around), room).splitlines()  # type: ignore[arg-type]


def test_columns_are_as_wide_as_what_is_in_them() -> None:
    assert lines([Row(("a", "conv F3", "1,234,567"))], title="Net", notes=("", "a note")) == [
        "Net",
        "name  layer      weights",
        "────────────────────────",
        "a     conv F3  1,234,567",
        "",
        "a note",
    ]


def test_a_rule_stands_above_the_totals() -> None:
    found = lines([Row(("a", "b", "1")), Row(("total", "", "1"), "total"), Row(("x", "", "1"), "total")])
    assert [set(line) == {"─"} for line in found] == [False, True, False, True, False, False]


def test_the_widest_flexible_column_is_cut_and_none_below_what_it_keeps() -> None:
    row = Row(("n" * 20, "木" * 40, "12"))
    assert max(map(len, lines([row], 60))) <= 60
    name, layer, weights = lines([row], 1)[-1].split()
    assert (name, weights) == ("n" * (LEAST - 1) + "…", "12")
    assert layer == "木" * 5 + "…"  # each takes two columns


def test_what_a_terminal_would_obey_is_shown_by_name() -> None:
    assert "\x1b" not in drawn(Table(COLUMNS, [Row(("\x1b[2J", "", ""))], title="\x1b[2J"), 100)
