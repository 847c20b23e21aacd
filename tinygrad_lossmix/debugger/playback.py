"""What a page plays, as data for its script: numbers are text already, an array is there once.

>>> from tinygrad_lossmix.views.picture import picture
>>> walk = Walk((Tensor([2.0, 1.0], name="z") * 3.0).sum())
>>> played = Playback()
>>> data = played.recording(walk, picture(walk.reading, walk.gradients()))
>>> [node["defined"] for node in data["nodes"]], [p["received"] for p in data["products"]]
(['z', 'n1 = z * 3', 'n2 = sum(n1)'], [1, 1])
>>> played.arrays[0]
{'shape': [2], 'view': [1, 2], 'cells': ['2', '1'], 'text': ['[2, 1]']}
"""

import json
from math import prod
from typing import Any

import numpy as np

from tinygrad_lossmix.debugger.chain_rule import Product
from tinygrad_lossmix.debugger.local_derivative import Factors, factors
from tinygrad_lossmix.debugger.lockstep import Meeting
from tinygrad_lossmix.debugger.rule import product as rule
from tinygrad_lossmix.debugger.walk import Walk
from tinygrad_lossmix.engine.tensor import Tensor
from tinygrad_lossmix.printing import IN_FULL, number, shaped, short
from tinygrad_lossmix.views.grids import picked
from tinygrad_lossmix.views.picture import FEW_SHOWN, Cluster, Picture
from tinygrad_lossmix.views.reading import is_array

FEW = 12  # rows or columns that are all shown; of more, some at each end


class Playback:
    """The data of a page; arrays are collected while recordings are added."""

    def __init__(self) -> None:
        self._arrays: dict[str, int] = {}

    @property
    def arrays(self) -> list[Any]:
        """Each array, at the index that stands for it elsewhere."""
        return [json.loads(text) for text in self._arrays]

    def _array(self, x: Any, view: tuple[int, ...] | None = None) -> int:
        """The index of an array, seen as a matrix: a vector as a row, leading axes as one."""
        x = np.asarray(x)
        rows, columns = view or (prod(x.shape[:-1]), x.shape[-1] if x.ndim else 1)
        cells = x.reshape(rows, columns)[np.ix_(_shown(rows), _shown(columns))]
        record = {
            "shape": x.shape,
            "view": (rows, columns),
            "cells": [number(entry) for entry in cells.flat],
            "text": list(dict.fromkeys([short(x, FEW_SHOWN), shaped(x, IN_FULL)])),
        }
        return self._arrays.setdefault(json.dumps(record), len(self._arrays))

    def recording(self, walk: Walk, shown: Picture) -> dict[str, Any]:
        """Nodes in the order of their values, products in theirs; node i is box n<i>."""
        reading = walk.reading
        index = {node: i for i, node in enumerate(reading.nodes)}
        nodes = [
            {
                "name": reading.call(node),
                "defined": reading.defined(node),
                "value": self._array(node.data),
                "args": sorted({index[x] for x in node.args if isinstance(x, Tensor)}),
                "whole": reading.full_name(node),
                "equation": reading.equation(node),
                "line": reading.line(node),
                "delta": reading.delta(node),
            }
            for node in reading.nodes
        ]
        stops = (walk.at(i).stop for i in range(1, len(walk) + 1))
        return {
            "nodes": [{key: x for key, x in node.items() if x != ""} for node in nodes],
            "cost": index[walk.cost],
            "seed": self._array(walk.seed),
            "constants": [
                self._array(x) for node in reading.nodes for x in node.args if is_array(x)
            ],
            "products": [self._product(walk, stop, index) for stop in stops if stop],
            "groups": [
                {"boxes": boxes, "output": max(i for i in boxes if i < len(nodes))}
                for boxes in map(Cluster.all_boxes, shown.everything.within())
            ],
            "delta": self._delta(walk),
        }

    def _product(self, walk: Walk, stop: Product, index: dict[Tensor, int]) -> dict[str, Any]:
        call, (node, place, argument, *_) = walk.reading.call, stop
        found = factors(node, place, stop.g)
        known = {
            "node": index[node],
            "to": index[argument],
            "arrow": sum(arg is argument for arg in node.args[:place]),
            "gradients": [self._array(x) for x in (stop.g, stop.contribution, stop.total)],
            "rule": rule(walk.reading, node, place),
            "received": stop.received,
            "expected": stop.expected,
        }
        if found is not None:
            other = call(node.args[1 - place]) if node.function is np.matmul else ""
            known |= {
                "sign": found.sign,
                "factors": self._factors(stop, found),
                "localAt": found.local,
                "local": f"{other}.T" if other else "",
            }
        return known

    def _factors(self, stop: Product, found: Factors) -> list[int]:
        """Two factors and what they give; the gradients among them have the shapes they had."""
        arrays = [found.left, found.right, stop.contribution]
        if found.sign == "∘":
            return [self._array(x) for x in arrays]
        views = [found.left.shape, found.right.shape, (len(found.left), found.right.shape[1])]
        arrays[1 - found.local] = stop.g
        return [*map(self._array, arrays, views)]

    def _delta(self, walk: Walk) -> dict[str, Any] | None:
        found, symbols = walk.at(len(walk)).delta(), walk.reading.symbols
        if found is None or found.gradient is None or symbols is None:
            return None
        meeting = Meeting("z", found.gradient, found.a_minus_y)
        words = "They are equal." if meeting.same else f"They differ by up to {meeting.gap:.4g}."
        return {
            "name": walk.reading.derivative(found.logits),
            "difference": symbols.scaled("a - y"),
            "complete": walk.complete(found.logits),
            "arrays": [self._array(x) for x in (found.gradient, found.a_minus_y)],
            "words": words,
        }


def _shown(n: int) -> list[int]:
    return [i for i in picked(n, FEW) if i is not None]
