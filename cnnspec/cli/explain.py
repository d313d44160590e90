"""`cnnspec explain`: a network or one of its layers worked out; the page of a finding, a layer or a word."""

from __future__ import annotations

import os
from typing import Any

import click

from cnnspec.cli import FOUND, OK, USAGE
from cnnspec.cli.one_model import open_model
from cnnspec.cli.options import Choice, command, completing
from cnnspec.cli.run_inputs import takes_inputs
from cnnspec.cli.terminal import Output, err, out, say
from cnnspec.diagnostics.suggest import did_you_mean, fold
from cnnspec.files import STDIN, ZOO, document_named


@command("explain", "text", "markdown", "latex", "json")
@click.argument("topic", metavar="FILE|CODE|WORD", shell_complete=completing("topics"))
@click.argument("layer", required=False, shell_complete=completing("layers"))
@click.option(
    "--at",
    metavar="C,H,W",
    help="Show how this one number of the layer's output is computed, on an --input or --random.",
)
@takes_inputs
def explain(topic: str, layer: str | None, at: str | None, choice: Choice, to: Output, **options: Any) -> int:
    """Work out a network or one of its layers; explain a finding, a kind of layer, or a word.

    \b
    cnnspec explain lenet.cnn                 a worksheet: all layers, and totals
    cnnspec explain lenet.cnn --format latex  the same as LaTeX (or markdown)
    cnnspec explain lenet.cnn C1              one layer, with every formula
    cnnspec explain zoo:resnet body.stage2.0.conv3
                                              inside blocks and repeats
    cnnspec explain lenet.cnn C1 --at 0,1,2 --input x.csv
                                              one output number, in products
    cnnspec explain E301                      the page of a finding
    cnnspec explain conv                      the page of a layer
    cnnspec explain field                     a word or a symbol: macs, =>, R, …
    cnnspec explain layers                    all layers; also codes, words
    cnnspec explain recipe                    the keys of a recipe for `train`
    """
    if at is not None:
        if to.form in ("markdown", "latex"):
            raise click.UsageError("--at needs --format text or json")
        from cnnspec.cli.by_hand import number

        return number(topic, layer, at, options, choice, to)
    if options["inputs"] or options["random"]:
        raise click.UsageError("--input and --random need --at, a place in the output")
    from cnnspec.report.pages import LISTED, page, topics

    text = page(topic)
    if layer is not None:
        of_a_page = topic if text is not None else None
        named = None if os.path.exists(topic) else _several_words(f"{topic} {layer}") or of_a_page
        if named is not None:
            raise click.UsageError(f"there is no file {topic!r}; `cnnspec explain {named}` shows the page")
        return _layer(topic, layer, choice, to)
    if topic == "recipe" and text is None:
        from cnnspec.training.page import page as recipe_page

        text = recipe_page()
    if text is None:
        spec = topic.startswith(ZOO) or topic.endswith(".cnn") or document_named(topic) is not None
        if topic == STDIN or spec or os.path.exists(topic):
            return _layer(topic, None, choice, to)
        from cnnspec.notations.words import ARGUMENTS, CLAIMS, LAYERS

        letter = next(
            (words[fold(topic)] for words in (ARGUMENTS, CLAIMS, LAYERS) if fold(topic) in words), None
        )
        near = f"did you mean {letter!r}?" if letter is not None and page(letter) else ""
        near = near or did_you_mean(topic, [*topics(), "recipe"]) or LISTED
        raise click.UsageError(f"there is no page {topic!r}; {near}")
    to.document({"topic": topic, "page": text})
    if to.form == "latex":
        raise click.UsageError("a page is Markdown; --format latex is for a network or a layer of it")
    if to.form == "markdown":
        out(text)
    elif to.form == "text":
        to.page(text)
    return OK


def _several_words(topic: str) -> str | None:
    """Looks up a term of several words: `receptive field`, `max pooling`."""
    from cnnspec.notations.words import CLAIMS, LAYERS
    from cnnspec.report.pages import page

    topic_ = CLAIMS.get(fold(topic)) or LAYERS.get(fold(topic)) or CLAIMS.get(fold(topic.replace(" ", "")))
    return topic_ if topic_ is not None and page(topic_) is not None else None


def _layer(argument: str, layer: str | None, choice: Choice, to: Output) -> int:
    opened = open_model(argument, choice)
    model, name = opened.model, opened.source.name
    if model is None or opened.status == USAGE:
        to.findings(opened.findings, opened.source, always=True)
        return USAGE

    from cnnspec.report.layer_names import no_layer
    from cnnspec.report.worked_out import worked_out
    from cnnspec.report.worksheet import FORMS

    worked = worked_out(model, layer)
    if isinstance(worked, list):
        to.findings(opened.findings, opened.source, always=True)
        err(no_layer(name, layer, worked))
        return USAGE if worked else FOUND
    to.document({"file": name, "variant": model.variant, **worked.as_json()})
    if to.form != "json":
        (say if to.form == "text" else out)(FORMS[to.form](worked))
    if layer is not None:
        return OK
    to.findings(opened.findings, opened.source, always=True)
    return opened.status
