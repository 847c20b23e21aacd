"""exp, log, log1p without branches or tables, which LLVM turns into vector instructions.

Each takes float32 or float64 and is right at every number: overflow, denormals, infinities, NaN.
The error is below 1.5 units in the last place.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import float32, float64, int32, int64, njit
from numba.core.typing.templates import Signature
from numba.extending import intrinsic

Function = Callable[[Any], Any]
compiled = njit(error_model="numpy", fastmath={"contract"}, nogil=True)


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
            function = builder.module.declare_intrinsic(f"llvm.{name}", [t], of)
            return builder.call(function, args, fastmath=("nsz",))  # which 0 it is, all the same

        return kind(kind, kind), generate

    return extreme


larger, smaller = _extreme("maximum"), _extreme("minimum")


@compiled
def floor_quotient(x: Any, y: Any, one: Any) -> Any:
    """x // y as in NumPy, exact where x / y is rounded up to a whole number; one of their type."""
    rest = np.fmod(x, y)
    quotient = (x - rest) / y
    if rest != 0.0 and (rest < 0.0) != (y < 0.0):
        quotient = quotient - one
    return x / y if y == 0.0 else np.rint(quotient)


def _bitcast(source: Any, target: Any) -> Any:
    """An intrinsic: the bits of a number as another type of the same size."""

    @intrinsic
    def cast(context: Any, x: Any) -> tuple[Signature, Any]:
        return target(source), lambda context, builder, _, args: builder.bitcast(
            args[0], context.get_value_type(target)
        )

    return cast


def _polynomial(*coefficients: Any) -> Function:
    """By Horner's rule, the highest power first."""
    first, others = coefficients[0], coefficients[1:]

    @compiled
    def polynomial(x: Any) -> Any:
        value = first
        for each in others:
            value = value * x + each
        return value

    return polynomial


def _functions(
    number: Any,
    integer: Any,
    ends: tuple[float, float],
    ln2: tuple[float, float],
    of_exp: tuple[float, ...],
    of_log: tuple[float, ...],
) -> tuple[Function, Function, Function, Function]:
    """exp, that of x ≤ 0, log and log1p of one type.

    Args:
        number, integer: the type, and the integers of its size.
        ends: below the first e^x is 0, above the second it is infinite.
        ln2: in two parts, the first with so few bits that its products are exact.
        of_exp, of_log: coefficients of (e^r - 1 - r)/r², and of the series of atanh.
    """
    bits, number_of = _bitcast(number, integer), _bitcast(integer, number)
    dtype, info = np.dtype(str(number)), np.finfo(str(number))
    mantissa, bias = integer(info.nmant), integer(info.maxexp - 1)
    low, high = map(number, ends)
    ln2_high, ln2_low, one_by_ln2 = map(number, (*ln2, 1.0 / math.log(2.0)))
    zero, half_one, one, two, nan, infinity = map(number, (0.0, 0.5, 1.0, 2.0, math.nan, math.inf))
    magic, root_half = number(1.5 * 2.0**info.nmant), number(math.sqrt(0.5))  # x + magic is rounded
    magic_bits, root_bits = (
        integer(int(np.array(x, dtype).view(str(integer)))) for x in (magic, root_half)
    )
    tiny, enlarging = number(info.tiny), info.nmant + 2
    nothing, step, step_back = integer(0), integer(enlarging), number(2.0**-enlarging)
    enlarged, enlarged_by = number(2.0**enlarging), number(enlarging * math.log(2.0))
    exp_series, log_series = (_polynomial(*map(number, each)) for each in (of_exp, of_log))

    @compiled
    def power_of_two(k: Any, more: Any) -> Any:
        """2^(k - magic + more)."""
        return number_of((bits(k) + (bias + more)) << mantissa)

    @compiled
    def parts(x: Any) -> Any:
        """k + magic, e^r with e^x = 2^k e^r and |r| ≤ ½ ln 2."""
        moved = x * one_by_ln2 + magic
        k = moved - magic
        r = (x - k * ln2_high) - k * ln2_low
        return moved, one + (r + r * r * exp_series(r))

    @compiled
    def exp(x: Any) -> Any:
        """e^x = 2^k e^r; 2^k in two steps, so that denormals are rounded once."""
        x = high if x > high else x
        moved, value = parts(low if x < low else x)
        half = (moved - magic) * half_one + magic
        rest = moved - half + magic
        return value * power_of_two(half, nothing) * power_of_two(rest, nothing)

    @compiled
    def exp_to_one(x: Any) -> Any:
        """e^x of x ≤ 0: the second of the steps is always the same; 0.85 of the time."""
        moved, value = parts(low if x < low else x)
        return value * power_of_two(moved, step) * step_back

    @compiled
    def log_of_sum(x: Any, error: Any) -> Any:
        """ln(x + error) of a normal x > 0: x = 2^k m with √½ ≤ m < √2, and the series of atanh."""
        exponent = (bits(x) - root_bits) >> mantissa
        k = number_of(exponent + magic_bits) - magic
        m = number_of(bits(x) - (exponent << mantissa))
        exponent = min(exponent, bias)  # where there is no error to be scaled
        f = (m - one) + error * number_of((bias - exponent) << mantissa)
        s = f / (two + f)
        z = s * s
        half = half_one * f * f
        return k * ln2_high - ((half - (s * (half + log_series(z) * z) + k * ln2_low)) - f)

    @compiled
    def at_the_edges(x: Any, argument: Any, value: Any) -> Any:
        """The value of a logarithm, but -inf at 0, NaN below, and x itself at +inf and NaN."""
        value = -infinity if argument == zero else value
        value = nan if argument < zero else value
        return value if x < infinity else x

    @compiled
    def log(x: Any) -> Any:
        """ln x."""
        small = x < tiny
        value = log_of_sum(x * enlarged if small else x, zero)
        return at_the_edges(x, x, value - enlarged_by if small else value)

    @compiled
    def log1p(x: Any) -> Any:
        """ln(1 + x)."""
        total = one + x
        part = total - one
        value = log_of_sum(total, (one - (total - part)) + (x - part))
        return at_the_edges(x, total, value)

    return exp, exp_to_one, log, log1p


exp64, exp_to_one64, log64, log1p64 = _functions(
    float64,
    int64,
    (-746.0, 710.0),
    (0.6931471803691238, 1.9082149292705877e-10),
    (
        *(2.499996535964128e-08, 2.7630378625210663e-07, 2.755758734216402e-06),
        *(2.4801492762781813e-05, 0.00019841269504765384, 0.0013888888943922656),
        *(0.008333333333495624, 0.04166666666652919, 0.1666666666666641, 0.5000000000000011),
    ),
    (
        *(1.479819860511658591e-01, 1.531383769920937332e-01, 1.818357216161805012e-01),
        *(2.222219843214978396e-01, 2.857142874366239149e-01, 3.999999999940941908e-01),
        6.666666666666735130e-01,
    ),
)
exp32, exp_to_one32, log32, log1p32 = _functions(
    float32,
    int32,
    (-104.0, 89.0),
    (0.693145751953125, 1.4286068203094172e-06),
    (
        *(0.0013814467238262296, 0.008368780836462975, 0.04166839271783829),
        *(0.1666651964187622, 0.4999999403953552),
    ),
    (0.24279078841, 0.28498786688, 0.40000972152, 0.66666662693),
)
