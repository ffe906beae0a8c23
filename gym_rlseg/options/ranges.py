"""Ranges that many options share; all of them keep what follows from overflowing."""

from typing import Annotated

from annotated_types import Ge, Gt, Le, Lt

from gym_rlseg.options.declared import Rule, ascending, rising

#: Any number that isn't beyond all measure.
Number = Annotated[float, Ge(-1e9), Le(1e9)]

#: A number > 0, such as a factor or an exponent.
Positive = Annotated[float, Gt(0), Le(1e9)]

#: A number from 0 on.
NotNegative = Annotated[float, Ge(0), Le(1e9)]

#: A part of a whole.
Share = Annotated[float, Ge(0), Le(1)]

#: A part that leaves something of the whole.
PartShare = Annotated[float, Ge(0), Lt(1)]

#: A length on an image, in pixels.
Length = Annotated[float, Gt(0), Le(1e5)]

#: An area on an image, in pixels.
Area = Annotated[float, Gt(0), Le(1e10)]

#: The standard deviation of a Gaussian filter, in pixels; a filter takes time by its width.
Sigma = Annotated[float, Gt(0), Le(1000)]

#: A channel of an image, from 0.
Channel = Annotated[int, Ge(0), Le(9999)]

#: How many there are of something, 1 or more.
Amount = Annotated[int, Ge(1), Le(10**9)]

#: Least and greatest number of something.
Amounts = Annotated[tuple[Amount, Amount], Rule(ascending, "low <= high")]

#: Least and greatest radius of circles, in pixels.
Radii = Annotated[
    tuple[Annotated[float, Ge(1), Le(1e4)], Annotated[float, Ge(1), Le(1e4)]],
    Rule(rising, "low < high"),
]
