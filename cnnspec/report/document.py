"""The document of `check --format json`: a public contract, and what `cnnspec.check` gives.

Shapes are lists (`Shape`), outermost dimension first, without the batch axis; lines and columns count from 1;
what is unknown is null (`Known` is `int | None`). The field `in_` of a row is `in` in JSON.
`cnnspec schema` prints all this as a JSON schema.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from cnnspec.report.notebook import html

Shape: TypeAlias = list[int]
Known: TypeAlias = int | None


class Part(BaseModel):
    """The base of all parts of the document."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", defer_build=True, populate_by_name=True, serialize_by_alias=True
    )


class Field2D(Part):
    """The input positions that one output position depends on, rows before columns: `size` positions,
    starting at `offset` for the first output position (negative in the padding) and `stride` further for each
    next one. Whole numbers unless a map has grown.
    """

    size: list[int | float]
    stride: list[int | float]
    offset: list[int | float]


class WeightEntry(Part):
    """A weight of a row: its key in the `state_dict`. Running statistics are buffers."""

    key: str
    shape: Shape
    trainable: bool
    role: Literal["trainable", "frozen", "buffer"]


class RowEntry(Part):
    """A layer, every repeat unrolled, in the order of the forward pass."""

    name: str
    op: str | None
    args: str
    in_: list[Shape | None] = Field(alias="in")
    out: Shape | None
    params: Known
    macs: Known
    field: Field2D | None
    line: int
    weights: list[WeightEntry]


class TotalsEntry(Part):
    """Of the whole model. `params` without buffers; `activations` in elements, `peak_memory` in bytes of
    float32."""

    params: Known
    trainable: Known
    buffers: Known
    macs: Known
    activations: Known
    peak_memory: Known
    connections: Known
    layers: Known
    weighted: Known
    field: list[int | float] | None


class ClaimEntry(Part):
    """A claim of the author's; `holds` is null where it was not checked, `value` is the actual value."""

    line: int
    text: str
    holds: bool | None
    value: int | list[int | float] | None


class PlaceEntry(Part):
    """A stretch of the spec; `end_column` is the first one after."""

    line: int
    column: int
    end_line: int
    end_column: int


class RelatedPlace(PlaceEntry):
    """A second place that explains a finding."""

    message: str


class EditPlace(PlaceEntry):
    """Replace the text of this place by `text`."""

    text: str


class FindingEntry(PlaceEntry):
    """A finding. `fix` is present only if applying it removes the finding; `safe` means that `check --fix`
    applies it. In a notebook, lines are those of the file; `cell` and `cell_line` are those that the notebook
    shows."""

    code: str = Field(pattern=r"^[EW][0-9]{3}$")
    severity: Literal["error", "warning", "advice"]
    message: str
    file: str
    cell: int | None = None
    cell_line: int | None = None
    related: list[RelatedPlace] = []
    label: str | None = None
    note: str | None = None
    help: str | None = None
    fix: list[EditPlace] | None = None
    safe: bool | None = None


class ModelEntry(Part):
    """One model: a spec, or one variant of it. `ok` is false after an error or a claim that does not hold."""

    file: str
    model: str
    variant: str | None
    settings: dict[str, str]
    ok: bool
    inputs: dict[str, Shape | None]
    outputs: dict[str, Shape | None]
    totals: TotalsEntry
    rows: list[RowEntry]
    claims: list[ClaimEntry]
    diagnostics: list[FindingEntry]

    def table(self) -> list[dict[str, Any]]:
        """The layers as plain dicts: `name`, `layer`, `inputs`, `output`, `params`, `macs`, `field` and
        `line`."""
        return [
            {
                "name": row.name,
                "layer": f"{row.op or '?'} {row.args}".strip(),
                "inputs": [shape and tuple(shape) for shape in row.in_],
                "output": row.out and tuple(row.out),
                "params": row.params,
                "macs": row.macs,
                "field": row.field and tuple(row.field.size),
                "line": row.line,
            }
            for row in self.rows
        ]

    def dataframe(self) -> Any:
        """The layers as a pandas DataFrame, the rows of `table()`. Needs pandas."""
        from importlib import import_module

        return import_module("pandas").DataFrame(self.table()).set_index("name")

    def _repr_html_(self) -> str:
        return html([self])


class Document(Part):
    """What `cnnspec check --format json` prints: one document and nothing else."""

    version: Literal[1] = 1
    cnnspec: str
    models: list[ModelEntry]

    def _repr_html_(self) -> str:
        return html(self.models)

    def as_plain(self) -> dict[str, Any]:
        """Plain values, as in JSON; empty fields of a finding are left out."""
        plain = self.model_dump()
        for model, entry in zip(self.models, plain["models"], strict=True):
            entry["diagnostics"] = [finding.model_dump(exclude_none=True) for finding in model.diagnostics]
        return plain


def schema(name: str) -> dict[str, object]:
    """The JSON schema (draft 2020-12) of the check document or of the IR."""
    from cnnspec.ir.graph import Graph

    described: type[BaseModel] = Graph if name == "ir" else Document
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **described.model_json_schema(mode="serialization", by_alias=True),
    }
