"""Which columns of the large table there is room for in a line."""

from __future__ import annotations

from reports.formats.page import rows
from reports.formats.page.rows import Cell, Row


def row(**cells: str) -> Row:
    return Row({name: Cell(text) for name, text in cells.items()}, ok=True, why=(), command="")


def main(*found: Row) -> list[str]:
    return [column.name for column in rows.columns(found) if column.main]


def test_what_all_rows_say_needs_no_column_but_of_several() -> None:
    one, other = (
        row(library=name, attack="pgd", speedup="1.5", verdict="faster", batch="4")
        for name in ("art", "foolbox")
    )
    assert main(one, other) == ["library", "speedup", "verdict"]
    assert main(one) == ["library", "attack", "speedup", "verdict", "batch"]
    common = {column.name: column.common for column in rows.columns([one, other])}
    assert common["attack"] == "pgd"
    assert common["library"] is None


def test_what_tells_rows_apart_comes_first_and_the_line_ends_where_the_screen_does() -> None:
    names = ("library", "more", "attack", "others", "model", "yet more", "run", "last")
    found = [row(**{name: f"{name} {number} {'x' * 30}" for name in names}) for number in (1, 2)]
    kept = main(*found)
    assert [name for name in names[::2] if name in kept] == list(names[::2])
    assert len(kept) < len(names)
    shown = [column for column in rows.columns(found) if column.main]
    assert sum(column.width for column in shown) <= rows.ROOM


def test_texts_are_cut_and_numbers_are_not() -> None:
    long = "1.234567890123456789012345678901234567890"
    found = [
        Row({"speedup": Cell(long, 1.2), "model": Cell(long)}, ok=True, why=(), command="")
        for _ in range(2)
    ]
    width = {column.name: column.width for column in rows.columns(found)}
    assert width["speedup"] > len(long)
    assert width["model"] < 20


def test_a_column_of_nothing_is_left_out() -> None:
    assert rows.columns([]) == []
    told = [row(library=name, published="-", run="here") for name in ("art", "foolbox")]
    assert [column.name for column in rows.columns(told)] == ["library"]
