"""Writes a table as an Excel workbook: text stays text, whatever it begins with."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import xlsxwriter
from xlsxwriter.exceptions import XlsxWriterException

from inspector.domain.errors import ConfigError

Cell = str | int | float | None
MOST_ROWS = 1_048_575
"""Rows that Excel takes below the heading."""


def write_xlsx(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> int:
    """Write one sheet with a fixed heading; give how many rows it has.

    Raises:
        ConfigError: the file cannot be written, or there are more rows than a sheet takes.
    """
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": True,
    }
    number = 0
    try:
        with xlsxwriter.Workbook(str(path), options) as book:
            sheet = book.add_worksheet("parts")
            bold = book.add_format({"bold": True})
            for at, name in enumerate(columns):
                sheet.write_string(0, at, name, bold)
            sheet.freeze_panes(1, 0)
            for number, row in enumerate(rows, start=1):
                if number > MOST_ROWS:
                    raise ConfigError(f"{path}: a sheet takes {MOST_ROWS} rows; narrow the search, or write CSV")
                for at, value in enumerate(row):
                    if isinstance(value, str):
                        sheet.write_string(number, at, value)
                    elif value is not None:
                        sheet.write_number(number, at, value)
    except (OSError, XlsxWriterException) as error:
        raise ConfigError(f"{path}: cannot be written: {error}") from error
    return number
