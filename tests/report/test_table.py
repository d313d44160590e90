"""A table as text: as wide as what is in it, cut where there is no room, harmless on a terminal."""

from cnnspec.diagnostics import Source
from cnnspec.pipeline import models
from cnnspec.report.rows import folded
from cnnspec.report.table import Column, Row, Table, drawn

COLUMNS = (Column("name", cut=2), Column("layer", cut=1), Column("weights", right=True, drop=1))


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


def test_columns_are_cut_in_order_then_left_out() -> None:
    row = Row(("n" * 20, "木" * 40, "12"))
    for room, kept in ((111, [20, 80, 7]), (60, [20, 29, 7]), (40, [18, 10, 7]), (30, [17, 10]), (9, [6, 1])):
        found = lines([row], room)
        cells = found[2].split("  ")
        assert len(found[1]) <= room
        assert cells[0] == ("n" * 20 if kept[0] == 20 else "n" * (kept[0] - 1) + "…")
        assert (found[-1] == "columns left out (too narrow): weights") is (len(kept) == 2)


def test_a_number_is_not_cut_in_two() -> None:
    row = Row(("a", "conv F3 S1 K1024 nobias", "1,234"))
    cut = {lines([row], room)[2][6:].split("  ")[0] for room in range(25, 40)}
    assert cut >= {"conv F3 S1 K…", "conv F3 S1 K1024…"}
    assert not any(text.endswith(f"{digits}…") for text in cut for digits in ("K1", "K10", "K102"))


def test_what_a_terminal_would_obey_is_shown_by_name() -> None:
    assert "\x1b" not in drawn(Table(COLUMNS, [Row(("\x1b[2J", "", ""))], title="\x1b[2J"), 100)


def test_a_repeat_without_a_pass_has_its_name() -> None:
    text = "let n = 0\ninput 3x8x8\n[conv F3 P1 K8 -> relu]*n\npart: [relu]*n\n[maxpool F2]*0\nconv F3 K4\n"
    model = models(Source("a.cnn", text))[0]
    assert model.graph is not None
    assert model.report is not None
    rows = folded(model.file, model.written, model.graph, model.report, ("output",))
    assert [row.cells[0] for row in rows] == ["input", "group1", "part", "group2", "conv"]
