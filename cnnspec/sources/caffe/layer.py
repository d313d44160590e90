"""The layers of a file in today's form. Files of 2013 have a layer inside a layer, with its options beside
its name; files for training and testing have some layers twice, one for each phase."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from cnnspec.notations.prototxt import Message

NEWER = {"kernelsize": "kernel_size", "biasterm": "bias_term", "concat_dim": "axis"}
"""Options that had another name."""
TYPES = {"conv": "convolution", "pool": "pooling"}
"""Types that had another name."""
OPTIONS = ("convolution", "pooling", "inner_product", "lrn", "dropout", "concat")
"""The messages that have the options today."""


def layers_of(net: Message) -> list[Message]:
    """The layers of the network that is tested; a file that is for training alone has only those."""
    layers = [
        _renewed(message) if message.all("layer") else message for message in net.messages("layer", "layers")
    ]
    if any("TEST" in _phases(layer) for layer in layers):
        return [
            layer for layer in layers if "TRAIN" not in _phases(layer) or "data" in layer.text("type").lower()
        ]
    return layers


def _phases(layer: Message) -> Sequence[str]:
    """The phases that a layer declares."""
    other = {"TRAIN": "TEST", "TEST": "TRAIN"}
    included = chain.from_iterable(message.texts("phase") for message in layer.messages("include"))
    excluded = chain.from_iterable(message.texts("phase") for message in layer.messages("exclude"))
    return [*included, *(other.get(one, "") for one in excluded)]


def _renewed(layer: Message) -> Message:
    """`layers { layer { name: "conv1" type: "conv" kernelsize: 3 } bottom: … top: … }`."""
    inner = layer.message("layer")
    fields = {NEWER.get(name, name): values for name, values in inner.fields.items()}
    kind = inner.text("type")
    options = Message(fields, inner.line)
    fields_now = dict(_kept(fields, ("name", "include"))) | dict(_kept(layer.fields, ("bottom", "top")))
    fields_now["type"] = [TYPES.get(kind, kind)]
    for name in OPTIONS:
        fields_now[f"{name}_param"] = [options]
    return Message(fields_now, inner.line)


def _kept(
    fields: dict[str, list[str | Message]], names: Sequence[str]
) -> Iterator[tuple[str, list[str | Message]]]:
    return ((name, fields[name]) for name in names if name in fields)
