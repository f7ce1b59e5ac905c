# SPDX-License-Identifier: GPL-2.0-only
"""Structured arrays as files: the same values give the same bytes, whenever and wherever they are written."""

import csv
import io
import pathlib
import zipfile

import numpy as np


def csv_text(table: np.ndarray) -> str:
    """A header line with the names of the fields, then a line a row; nan is an empty cell, and other numbers are the
    shortest that read back as themselves."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.dtype.names)
    for row in table.tolist():
        writer.writerow(["" if value != value else int(value) if isinstance(value, bool) else value for value in row])
    return out.getvalue()


def write_npz(path: pathlib.Path, **arrays: np.ndarray) -> None:
    """What numpy.load reads, like numpy.savez_compressed but without the time of writing."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy")  # dated 1980-01-01
            member.compress_type = zipfile.ZIP_DEFLATED
            content = io.BytesIO()
            np.lib.format.write_array(content, array, allow_pickle=False)
            archive.writestr(member, content.getvalue())


def records(rows: list[tuple], columns: list[tuple[str, type]]) -> np.ndarray:
    """A structured array of `rows`; columns of str are as wide as their longest value."""
    dtype = []
    for place, (name, kind) in enumerate(columns):
        width = max([1, *(len(row[place]) for row in rows)]) if kind is str else 0
        dtype.append((name, f"U{width}" if kind is str else kind))
    return np.array(rows, dtype=dtype)
