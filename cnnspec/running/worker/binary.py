"""The weights of a Darknet .weights file and of a .caffemodel, which go with the text of the network."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from cnnspec.running.worker.messages import Fault
from cnnspec.sources import caffe, darknet
from cnnspec.sources.stored import Stored

TEXTS = {".weights": ".cfg", ".caffemodel": ".prototxt"}
"""The file that has the network, for each file of weights."""


def stored(job: Mapping[str, Any]) -> Stored:
    """The weights of a file by the keys of the network's trace."""
    from cnnspec.sources.caffe import weights as of_caffe
    from cnnspec.sources.darknet import weights as of_darknet

    path, model = job["weights"], job["model"]
    ending = os.path.splitext(path)[1].lower()
    if os.path.splitext(model)[1].lower() != TEXTS[ending]:
        raise Fault(
            f"a {ending} file goes with the network in a {TEXTS[ending]}",
            help=f"`cnnspec import NET{TEXTS[ending]} --weights NET{ending} --weights-out ours.safetensors`",
        )
    with open(model, encoding="utf-8-sig") as file:
        text = file.read()
    size = next((tuple(one) for one in job["inputs"].values()), None)
    try:
        if ending == ".weights":
            return of_darknet.weights_of(path, text, darknet.convert(text, "", size))
        return of_caffe.weights_of(path, caffe.convert(text, size))
    except (darknet.Refused, caffe.Refused) as why:
        raise Fault(str(why), help=f"it must be that of this {TEXTS[ending]}") from None
