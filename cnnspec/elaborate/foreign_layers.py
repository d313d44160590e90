"""Layers and functions of other tools that are not layers here: how to write them, or why that is not
possible."""

from __future__ import annotations

from cnnspec.diagnostics.suggest import fold
from cnnspec.elaborate.builder import BodyBuilder
from cnnspec.elaborate.other_words import ATTENTIONS, QKV
from cnnspec.language import tree
from cnnspec.notations.words import MISSING

INSTEAD = {
    **dict.fromkeys(
        ("split", "chunk", "tensorsplit", "unbind", "narrow"),
        "each part is a `slice` where it is used: `slice 0:C//2` and `slice C//2:C` are the halves of the "
        "channels",
    ),
    **dict.fromkeys(
        ("permute", "swapaxes", "movedim"),
        "`transpose` exchanges rows and columns; `reshape` gives the same numbers another shape, in their "
        "order",
    ),
    **dict.fromkeys(
        ("squeeze", "unsqueeze", "expanddims"),
        "`flatten` makes a vector of a map, and `reshape` any other shape of the same numbers; `mul` and "
        "`div` broadcast over an axis of one position by themselves",
    ),
    **dict.fromkeys(
        ("einsum", "matmul", "bmm", "tensordot", "dot"),
        "`attention [ … | … | … ]` multiplies positions with positions, `mul [ … | … ]` numbers with numbers",
    ),
}
"""Functions of other tools, and which layers do their work."""
EITHER = {
    "mean": "`gap` is the mean of each map, `cmean` the mean over the channels at each position",
    "sum": "`add [ … | … ]` is the sum of branches; `gap` the mean of each map",
}
"""Words that may mean more than one layer."""
NORMALISED = {
    **dict.fromkeys(("spectral", "spectralnorm", "sn"), "spectral"),
    **dict.fromkeys(("weightnorm", "wn"), "weightnorm"),
    **dict.fromkeys(("standardized", "weightstandardization", "weightstandardized"), "standardized"),
}
"""Wrappers of layers in other tools, and the word for them here."""
SEVERAL = {
    **dict.fromkeys(
        ("sepconv", "sepconv2d", "separableconv", "separableconv2d", "separable"),
        "dwconv {sizes} -> conv F1 {K}",
    ),
    **dict.fromkeys(("pointwise", "pointwiseconv", "pwconv"), "conv F1 {K}"),
    **dict.fromkeys(
        ("se", "squeezeexcite", "squeezeexcitation", "squeezeandexcitation", "seblock", "selayer"),
        "mul [ id | gap -> conv F1 K=C//{r} -> relu -> conv F1 K{C} -> sigmoid ]",
    ),
    **dict.fromkeys(ATTENTIONS, f"attention heads=4 {QKV}"),
    **dict.fromkeys(("patchembed", "patchembedding", "patchify"), "conv F16 S16 K768"),
    **dict.fromkeys(("feedforward", "ffn"), "conv F1 K{4C} -> gelu -> conv F1 K{C}"),
    **dict.fromkeys(
        ("transformerblock", "transformerencoder", "transformerencoderlayer", "encoderblock"),
        "add [ ln -> attention heads=4 [ conv F1 K{C} | conv F1 K{C} | conv F1 K{C} ] -> conv F1 K{C} | id ]"
        " -> add [ ln -> conv F1 K{4C} -> gelu -> conv F1 K{C} | id ]",
    ),
    "glu": "mul [ slice 0:C//2 | slice C//2:C -> sigmoid ]",
    "swiglu": "mul [ slice 0:C//2 | slice C//2:C -> silu ]",
    "geglu": "mul [ slice 0:C//2 | slice C//2:C -> gelu ]",
    "reglu": "mul [ slice 0:C//2 | slice C//2:C -> relu ]",
    **dict.fromkeys(("crelu",), "concat [ relu | times (-1) -> relu ]"),
}
"""Layers of other tools that are several layers here."""


def elsewhere(builder: BodyBuilder, step: tree.LayerStep) -> tuple[str, str] | None:
    """The reason and the help for a layer of another tool that is not a layer here."""
    word = fold(step.word)
    if (normalised := NORMALISED.get(word)) is not None:
        why = ": weights are normalised by a word of the layer that has them"
        return why, f"write it there: `conv F3 K64 {normalised}`"
    if (missing := MISSING.get(word)) is not None:
        return f": the language has no {missing}", "`cnnspec explain layers` lists the layers"
    if (instead := INSTEAD.get(word)) is not None:
        return "", instead
    if (spelled_out := SEVERAL.get(word)) is not None:
        why = "; it is written with the layers that it consists of"
        return why, f"for instance `{_filled(spelled_out, builder, step)}`"
    return None


def _filled(spelled_out: str, builder: BodyBuilder, step: tree.LayerStep) -> str:
    """Layers with the letters and the number that were written."""
    from cnnspec.language.write import write_argument

    letters = {
        argument.letter: write_argument(argument)
        for argument in step.arguments
        if isinstance(argument, tree.LetterArgument)
    }
    numbers = [argument.value.text for argument in step.arguments if isinstance(argument.value, tree.Number)]
    shape = None if builder.current is None else builder.values[builder.current]
    sizes = " ".join(letters[letter] for letter in "FSPD" if letter in letters) or "F3 P1"
    K, C = letters.get("K", "K64"), shape[0] if shape else 64
    r = next((number for number in numbers if number.isdigit() and 0 < int(number) <= C), min(C, 16))
    for name, value in (
        ("{sizes}", sizes),
        ("{K}", K),
        ("{C}", str(C)),
        ("{4C}", str(4 * C)),
        ("{r}", str(r)),
    ):
        spelled_out = spelled_out.replace(name, value)
    return spelled_out
