"""exp, log, log1p without branches or tables, which LLVM turns into vector instructions.

Each takes float32 or float64 and is right at every number: overflow, denormals, infinities, NaN.
The error is below 1.5 units in the last place.
"""

from __future__ import annotations

import math
from typing import Any

from llvmlite import ir
from numba import float32, float64, int32, int64, njit
from numba.core.typing.templates import Signature
from numba.extending import intrinsic

compiled = njit(error_model="numpy", fastmath={"contract"}, nogil=True)


def _bitcast(source: Any, target: Any) -> Any:
    """An intrinsic: the bits of a number as another type of the same size."""

    @intrinsic
    def cast(context: Any, x: Any) -> tuple[Signature, Any]:
        return target(source), lambda context, builder, _, args: builder.bitcast(
            args[0], context.get_value_type(target)
        )

    return cast


bits64, number64 = _bitcast(float64, int64), _bitcast(int64, float64)
bits32, number32 = _bitcast(float32, int32), _bitcast(int32, float32)


@intrinsic
def plus(context: Any, total: Any, x: Any) -> tuple[Signature, Any]:
    """total + x, a term of a sum in any order: what lets it be summed in vectors."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        x = context.cast(builder, args[1], signature.args[1], signature.return_type)
        return builder.fadd(args[0], x, flags=("reassoc", "contract"))

    return total(total, x), generate


@intrinsic
def choose(context: Any, mask: Any, x: Any, y: Any) -> tuple[Signature, Any]:
    """x where the mask is true, else y, both of one type: without a branch."""
    return x(mask, x, y), lambda context, builder, signature, args: builder.select(*args)


def _extreme(name: str) -> Any:
    """An intrinsic: the larger or smaller number, NaN if one is."""

    @intrinsic
    def extreme(context: Any, x: Any, y: Any) -> tuple[Signature, Any]:
        kind = float64 if float64 in (x, y) else float32

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            t = context.get_value_type(kind)
            of = ir.FunctionType(t, [t, t])
            return builder.call(builder.module.declare_intrinsic(f"llvm.{name}", [t], of), args)

        return kind(kind, kind), generate

    return extreme


larger, smaller = _extreme("maximum"), _extreme("minimum")
NAN64, NAN32, INFINITY = math.nan, float32(math.nan), math.inf
MAGIC64, MAGIC32 = 6755399441055744.0, float32(12582912.0)  # 1.5·2^52: adding it rounds
MAGIC_BITS64, MAGIC_BITS32 = 0x4338000000000000, 0x4B400000
LN2_HIGH64, LN2_LOW64 = 0.6931471803691238, 1.9082149292705877e-10
LN2_HIGH32, LN2_LOW32 = float32(0.693145751953125), float32(1.4286068203094172e-06)


@compiled
def exp64(x: Any) -> Any:
    """e^x = 2^k e^r with |r| ≤ ½ ln 2; 2^k in two steps, so that denormals are rounded once."""
    x = 710.0 if x > 710.0 else x
    x = -746.0 if x < -746.0 else x
    k = x * 1.4426950408889634 + MAGIC64 - MAGIC64
    r = (x - k * LN2_HIGH64) - k * LN2_LOW64
    p = 2.499996535964128e-08
    p = p * r + 2.7630378625210663e-07
    p = p * r + 2.755758734216402e-06
    p = p * r + 2.4801492762781813e-05
    p = p * r + 0.00019841269504765384
    p = p * r + 0.0013888888943922656
    p = p * r + 0.008333333333495624
    p = p * r + 0.04166666666652919
    p = p * r + 0.1666666666666641
    p = p * r + 0.5000000000000011
    half = k * 0.5 + MAGIC64
    rest = k - (half - MAGIC64) + MAGIC64
    return (1.0 + (r + r * r * p)) * _power_of_two64(half) * _power_of_two64(rest)


@compiled
def _power_of_two64(k: Any) -> Any:
    """2^(k - MAGIC64)."""
    return number64((bits64(k) + 1023) << 52)


@compiled
def log64(x: Any) -> Any:
    """ln x: -inf at 0, NaN below."""
    tiny = x < 2.2250738585072014e-308
    value = _log_of_sum64(x * 18014398509481984.0 if tiny else x, 0.0)
    value = value - 37.42994775023705 if tiny else value
    value = -INFINITY if x == 0.0 else value
    return _at_the_edges(x, x, value, NAN64)


@compiled
def log1p64(x: Any) -> Any:
    """ln(1 + x): -inf at -1, NaN below."""
    total = 1.0 + x
    part = total - 1.0
    value = _log_of_sum64(total, (1.0 - (total - part)) + (x - part))
    value = -INFINITY if total == 0.0 else value
    return _at_the_edges(x, total, value, NAN64)


@compiled
def _log_of_sum64(x: Any, error: Any) -> Any:
    """ln(x + error) of a normal x > 0: x = 2^k m with √½ ≤ m < √2, and the series of atanh."""
    exponent = (bits64(x) - 0x3FE6A09E667F3BCD) >> 52
    k = number64(exponent + MAGIC_BITS64) - MAGIC64
    m = number64(bits64(x) - (exponent << 52))
    exponent = min(exponent, 1023)  # where there is no error to be scaled
    f = (m - 1.0) + error * number64((1023 - exponent) << 52)
    s = f / (2.0 + f)
    z = s * s
    p = 1.479819860511658591e-01
    p = p * z + 1.531383769920937332e-01
    p = p * z + 1.818357216161805012e-01
    p = p * z + 2.222219843214978396e-01
    p = p * z + 2.857142874366239149e-01
    p = p * z + 3.999999999940941908e-01
    p = p * z + 6.666666666666735130e-01
    half = 0.5 * f * f
    return k * LN2_HIGH64 - ((half - (s * (half + p * z) + k * LN2_LOW64)) - f)


@compiled
def _at_the_edges(x: Any, argument: Any, value: Any, nan: Any) -> Any:
    """The value of a logarithm, but NaN below 0 and x itself at +inf and NaN."""
    value = nan if argument < 0 else value
    return value if x < INFINITY else x


@compiled
def exp32(x: Any) -> Any:
    """As `exp64`."""
    x = float32(89.0) if x > float32(89.0) else x
    x = float32(-104.0) if x < float32(-104.0) else x
    k = x * float32(1.44269504) + MAGIC32 - MAGIC32
    r = (x - k * LN2_HIGH32) - k * LN2_LOW32
    p = float32(0.0013814467238262296)
    p = p * r + float32(0.008368780836462975)
    p = p * r + float32(0.04166839271783829)
    p = p * r + float32(0.1666651964187622)
    p = p * r + float32(0.4999999403953552)
    half = k * float32(0.5) + MAGIC32
    rest = k - (half - MAGIC32) + MAGIC32
    return (float32(1.0) + (r + r * r * p)) * _power_of_two32(half) * _power_of_two32(rest)


@compiled
def _power_of_two32(k: Any) -> Any:
    return number32((bits32(k) + int32(127)) << int32(23))


@compiled
def log32(x: Any) -> Any:
    """As `log64`."""
    tiny = x < float32(1.17549435e-38)
    value = _log_of_sum32(x * float32(33554432.0) if tiny else x, float32(0.0))
    value = value - float32(17.328679513998633) if tiny else value
    value = float32(-INFINITY) if x == float32(0.0) else value
    return _at_the_edges(x, x, value, NAN32)


@compiled
def log1p32(x: Any) -> Any:
    """As `log1p64`."""
    total = float32(1.0) + x
    part = total - float32(1.0)
    value = _log_of_sum32(total, (float32(1.0) - (total - part)) + (x - part))
    value = float32(-INFINITY) if total == float32(0.0) else value
    return _at_the_edges(x, total, value, NAN32)


@compiled
def _log_of_sum32(x: Any, error: Any) -> Any:
    """As `_log_of_sum64`."""
    exponent = (bits32(x) - int32(0x3F3504F3)) >> int32(23)
    k = number32(exponent + int32(MAGIC_BITS32)) - MAGIC32
    m = number32(bits32(x) - (exponent << int32(23)))
    exponent = min(exponent, int32(127))
    f = (m - float32(1.0)) + error * number32((int32(127) - exponent) << int32(23))
    s = f / (float32(2.0) + f)
    z = s * s
    p = float32(0.24279078841)
    p = p * z + float32(0.28498786688)
    p = p * z + float32(0.40000972152)
    p = p * z + float32(0.66666662693)
    half = float32(0.5) * f * f
    return k * LN2_HIGH32 - ((half - (s * (half + p * z) + k * LN2_LOW32)) - f)
