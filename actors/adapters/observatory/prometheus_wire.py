"""The JSON of Prometheus' HTTP API, checked as it is read. Numbers come as text: "NaN" and "+Inf" are allowed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from actors.adapters.observatory.readings import Reading, Sample, Series
from schemas.errors import BackendUnavailable, InvalidInput

DataT = TypeVar("DataT")

_Point = tuple[float, float]
"""Unix seconds and the value; pydantic reads "NaN", "+Inf" and "-Inf"."""


class _Element(BaseModel):
    """Of a vector or a matrix; a native histogram has neither `value` nor `values`."""

    metric: dict[str, str]
    value: _Point | None = None
    values: list[_Point] | None = None


class _Number(BaseModel):
    resultType: Literal["scalar"]
    result: _Point


class _Text(BaseModel):
    resultType: Literal["string"]
    result: tuple[float, str]


class _Vector(BaseModel):
    resultType: Literal["vector"]
    result: list[_Element]


class _Matrix(BaseModel):
    resultType: Literal["matrix"]
    result: list[_Element]


class _Success(BaseModel, Generic[DataT]):
    status: Literal["success"]
    data: DataT
    warnings: list[str] = []


class _Failure(BaseModel):
    status: Literal["error"]
    errorType: str
    error: str


class _Described(BaseModel):
    """Of a metric; its help and unit are not used."""

    type: str


_Result = Annotated[_Number | _Text | _Vector | _Matrix, Field(discriminator="resultType")]
_READING: TypeAdapter[_Success[Any]] = TypeAdapter(_Success[_Result])
_NAMES: TypeAdapter[_Success[list[str]]] = TypeAdapter(_Success[list[str]])
_METADATA: TypeAdapter[_Success[dict[str, list[_Described]]]] = TypeAdapter(_Success[dict[str, list[_Described]]])
_LABEL_SETS: TypeAdapter[_Success[list[dict[str, str]]]] = TypeAdapter(_Success[list[dict[str, str]]])


def reading(body: bytes, shown: str) -> Reading:
    """Raises BackendUnavailable (naming `shown`) for what is not an answer, InvalidInput for a string result."""
    answer = _checked(_READING, body, shown)
    data: object = answer.data
    if isinstance(data, _Number):
        return _scalar(data.result[1], answer.warnings)
    if isinstance(data, _Vector):
        return _vector(data.result, answer.warnings)
    if isinstance(data, _Matrix):
        return _matrix(data.result, answer.warnings)
    raise InvalidInput("the query gives a text, not numbers")


def names(body: bytes, shown: str) -> tuple[str, ...]:
    return tuple(_checked(_NAMES, body, shown).data)


def label_sets(body: bytes, shown: str) -> tuple[Mapping[str, str], ...]:
    return tuple(_checked(_LABEL_SETS, body, shown).data)


def types(body: bytes, shown: str) -> Mapping[str, str]:
    """Metric -> its type, as its first target says."""
    described = _checked(_METADATA, body, shown).data
    return {metric: rows[0].type for metric, rows in described.items() if rows and rows[0].type != "unknown"}


def failure(body: bytes) -> str:
    """Prometheus' own words; empty where the body is something else, a proxy's page for instance."""
    try:
        said = _Failure.model_validate_json(body)
    except ValidationError:
        return ""
    return f"{said.errorType}: {said.error}"


def _checked(adapter: TypeAdapter[_Success[DataT]], body: bytes, shown: str) -> _Success[DataT]:
    try:
        return adapter.validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BackendUnavailable(
            f"{shown} answers something that is not Prometheus' API: {place or 'the body'}: {first['msg']}"
        ) from error


def _scalar(value: float, warnings: list[str]) -> Reading:
    sample = Sample({}, _finite(value))
    return Reading("scalar", samples=(sample,), warnings=tuple(warnings), not_finite=int(sample.value is None))


def _vector(elements: list[_Element], warnings: list[str]) -> Reading:
    samples = tuple(
        Sample(element.metric, _finite(element.value[1])) for element in elements if element.value is not None
    )
    return Reading(
        "vector",
        samples=samples,
        warnings=_told(warnings, len(elements) - len(samples)),
        not_finite=sum(sample.value is None for sample in samples),
    )


def _matrix(elements: list[_Element], warnings: list[str]) -> Reading:
    series = tuple(
        Series(element.metric, tuple((moment, _finite(value)) for moment, value in element.values))
        for element in elements
        if element.values is not None
    )
    return Reading(
        "matrix",
        series=series,
        warnings=_told(warnings, len(elements) - len(series)),
        not_finite=sum(value is None for one in series for _, value in one.points),
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _told(warnings: list[str], histograms: int) -> tuple[str, ...]:
    return (*warnings, f"{histograms} native histograms are left out") if histograms else tuple(warnings)
