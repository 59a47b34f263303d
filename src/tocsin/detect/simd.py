"""Statements on sixteen lanes at once, as vector instructions. Pure.

A compiler that cannot prove two arrays apart falls back to one lane at a time, or to asking before every row. These
load all they need before they store, so there is nothing to prove.
"""

from collections.abc import Callable
from math import factorial, log
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]  # it comes without types
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 16
_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_FUSE = ("contract",)
_LOG2_E, _SHIFT, _TERMS = 1 / log(2), 1.5 * 2.0**52, 13
# log 2 in two parts, the first with zeros at its end
_LN2 = float.fromhex("0x1.62e42fefa3800p-1"), float.fromhex("0x1.ef35793c76730p-45")


def _statement(rule: Callable[..., Any]) -> Any:
    """An intrinsic of numba, called without the typing context its rule takes first."""
    return intrinsic(rule)


def _fields(context: Any, builder: Any, kind: Any, array: Any) -> Any:
    return cgutils.create_struct_proxy(kind)(context, builder, array)  # type: ignore[no-untyped-call]  # numba's


def _row(context: Any, builder: Any, kind: Any, array: Any, row: Any) -> Any:
    """The address of row `row` of a (rows, 16) contiguous array, as one vector."""
    data = _fields(context, builder, kind, array).data
    first = builder.mul(row, ir.Constant(row.type, LANES))
    return builder.bitcast(builder.gep(data, [first]), _VECTOR.as_pointer())


def _spread(builder: Any, number: Any) -> Any:
    """The same number in every lane."""
    one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), number, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), None)
    return builder.shuffle_vector(one, ir.Constant(_VECTOR, ir.Undefined), zeros)


@_statement
def add_moments(typing: Any, to: Any, g: Any, a: Any, j: Any, b: Any, k: Any, t: Any) -> Any:
    """With w = a[j, :] · b[k, :] add w, w t and w t² to to[0, g, :], to[1, g, :], to[2, g, :]; indices int64."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kinds = signature.args
        rows = builder.extract_value(_fields(context, builder, kinds[0], args[0]).shape, 1)
        places = [args[1]]
        for _ in range(2):
            places.append(builder.add(places[-1], rows))
        places = [_row(context, builder, kinds[0], args[0], place) for place in places]
        left = builder.load(_row(context, builder, kinds[2], args[2], args[3]), align=8)
        right = builder.load(_row(context, builder, kinds[4], args[4], args[5]), align=8)
        before = [builder.load(place, align=8) for place in places]
        term, time = builder.fmul(left, right, _FUSE), _spread(builder, args[6])
        for place, old in zip(places, before, strict=True):
            builder.store(builder.fadd(old, term, _FUSE), place, align=8)
            term = builder.fmul(term, time, _FUSE)
        return context.get_dummy_value()

    return types.void(to, types.int64, a, types.int64, b, types.int64, types.float64), build


@_statement
def add_product(typing: Any, to: Any, i: Any, a: Any, j: Any, b: Any, k: Any, scale: Any) -> Any:
    """to[i, :] += a[j, :] · b[k, :] · scale, all three (rows, 16) contiguous; i, j, k int64."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kinds = signature.args
        target = _row(context, builder, kinds[0], args[0], args[1])
        left = builder.load(_row(context, builder, kinds[2], args[2], args[3]), align=8)
        right = builder.load(_row(context, builder, kinds[4], args[4], args[5]), align=8)
        product = builder.fmul(builder.fmul(left, _spread(builder, args[6]), _FUSE), right, _FUSE)
        total = builder.fadd(builder.load(target, align=8), product, _FUSE)
        builder.store(total, target, align=8)
        return context.get_dummy_value()

    return types.void(to, types.int64, a, types.int64, b, types.int64, types.float64), build


@_statement
def multiply(typing: Any, to: Any, i: Any, a: Any, j: Any) -> Any:
    """to[i, :] *= a[j, :]."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        target = _row(context, builder, signature.args[0], args[0], args[1])
        factor = builder.load(_row(context, builder, signature.args[2], args[2], args[3]), align=8)
        builder.store(builder.fmul(builder.load(target, align=8), factor, _FUSE), target, align=8)
        return context.get_dummy_value()

    return types.void(to, types.int64, a, types.int64), build


@_statement
def set_product(typing: Any, to: Any, i: Any, a: Any, j: Any, b: Any, k: Any) -> Any:
    """to[i, :] = a[j, :] · b[k, :]."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kinds = signature.args
        left = builder.load(_row(context, builder, kinds[2], args[2], args[3]), align=8)
        right = builder.load(_row(context, builder, kinds[4], args[4], args[5]), align=8)
        builder.store(builder.fmul(left, right, _FUSE), _row(context, builder, kinds[0], args[0], args[1]), align=8)
        return context.get_dummy_value()

    return types.void(to, types.int64, a, types.int64, b, types.int64), build


@_statement
def add_scaled(typing: Any, to: Any, i: Any, a: Any, j: Any, scale: Any) -> Any:
    """to[i, :] += a[j, :] · scale."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        target = _row(context, builder, signature.args[0], args[0], args[1])
        term = builder.load(_row(context, builder, signature.args[2], args[2], args[3]), align=8)
        term = builder.fmul(term, _spread(builder, args[4]), _FUSE)
        builder.store(builder.fadd(builder.load(target, align=8), term, _FUSE), target, align=8)
        return context.get_dummy_value()

    return types.void(to, types.int64, a, types.int64, types.float64), build


@_statement
def set_exp(typing: Any, to: Any, i: Any, a: Any, j: Any, scale: Any) -> Any:
    """to[i, :] = exp(scale · a[j, :]), with a first held between -30 and 40; to 2 units in the last place.

    2^k e^r with r within half a log 2 (Cody and Waite 1980), e^r by its Taylor series, 2^k by writing the exponent.
    """

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def number(value: float) -> Any:
            return ir.Constant(_VECTOR, [value] * LANES)

        def fused(x: Any, y: Any, z: Any) -> Any:
            return builder.fadd(builder.fmul(x, y, _FUSE), z, _FUSE)

        x = builder.load(_row(context, builder, signature.args[2], args[2], args[3]), align=8)
        for limit, over in ((-30.0, ">"), (40.0, "<")):
            x = builder.select(builder.fcmp_ordered(over, x, number(limit)), x, number(limit))
        x = builder.fmul(x, _spread(builder, args[4]))
        shifted = builder.fadd(builder.fmul(x, number(_LOG2_E)), number(_SHIFT))  # k in the lowest bits
        k = builder.fsub(shifted, number(_SHIFT))
        r = fused(k, number(-_LN2[0]), x)
        r = fused(k, number(-_LN2[1]), r)
        series = number(1 / factorial(_TERMS))
        for n in range(_TERMS - 1, -1, -1):
            series = fused(series, r, number(1 / factorial(n)))
        whole = ir.VectorType(ir.IntType(64), LANES)
        bits = builder.add(builder.bitcast(shifted, whole), ir.Constant(whole, [1023] * LANES))
        power = builder.bitcast(builder.shl(bits, ir.Constant(whole, [52] * LANES)), _VECTOR)
        builder.store(builder.fmul(series, power), _row(context, builder, signature.args[0], args[0], args[1]), align=8)
        return context.get_dummy_value()

    return types.void(to, types.int64, a, types.int64, types.float64), build
