"""The constants at the top of a training program: the recipe's numbers, and the network's."""

from __future__ import annotations

from cnnspec.lower.names import string
from cnnspec.lower.writer import Writer, literal
from cnnspec.training.claims import SHARES
from cnnspec.training.plan import Plan

AXES = {1: "numbers", 2: "channels, width", 3: "channels, height, width", 4: "channels, time, height, width"}


def put_settings(writer: Writer, plan: Plan, *, processes: bool = True) -> None:
    """Writes `NAME = value` lines, for those constants that the program uses."""
    recipe, network = plan.recipe, plan.network
    data, augment, optimizer = recipe.data, recipe.augment, recipe.optimizer
    schedule, run = recipe.schedule, recipe.run

    def put(name: str, value: object, comment: str = "", *, when: object = True) -> None:
        if when:
            writer.line(f"{name} = {string(value) if isinstance(value, str) else literal(value)}", comment)

    put("RECIPE", recipe.fingerprint, "a checkpoint of another recipe is refused")
    put("SEED", recipe.seed)
    writer.gap(1)
    put("INPUT", network.input, AXES[len(network.input)])
    put("OUTPUT", plan.judged.shape[1:], "the middle of the label maps", when=plan.judged.middle)
    put("LABEL", plan.label, "the shape of a label", when=plan.label)
    put("CLASSES", plan.judged.shape[0], when=plan.classes)
    put("MEAN", tuple(data.mean), when=data.mean)
    put("STD", tuple(data.std), when=data.std)
    put("SIDE", getattr(data, "side", 0), "pixels of the shorter side", when=getattr(data, "side", 0))
    put("THREADS", getattr(data, "threads", 0), "that decode images", when=plan.streams)
    put("HELD_OUT", data.validation, "share of the images", when=data.validation)
    put("CROP", augment.crop, "pixels", when=augment.crop)
    put("AREA", tuple(augment.area or ()), "shares of an image", when=augment.area)
    put("SIDES", tuple(augment.side or ()), "pixels of the shorter side", when=augment.side)
    put("ROTATE", augment.rotate, "degrees", when=augment.rotate)
    put("ELASTIC", augment.elastic, "pixels", when=augment.elastic)
    put("ERASE", augment.erase, "probability", when=augment.erase)
    writer.gap(1)
    put("EPOCHS", schedule.epochs)
    put("BATCH", schedule.batch, "images per step, over all processes" if processes else "images per step")
    share = "a process's share of a batch" if processes else "a batch"
    put("ACCUMULATE", run.accumulate, f"parts of {share}, whose gradients are added", when=run.accumulate > 1)
    put("RATE", optimizer.rate)
    put("WARMUP", schedule.warmup, "epochs", when=schedule.warmup)
    put("MILESTONES", tuple(schedule.milestones), "epochs", when=schedule.milestones)
    put("FACTOR", schedule.factor, when=schedule.decay in ("step", "exponential"))
    put("POWER", schedule.power, when=schedule.decay == "poly")
    put(
        "LAST_RATE",
        schedule.last,
        "share of the rate",
        when=schedule.last and schedule.decay in ("cosine", "poly"),
    )
    put("WEIGHT_DECAY", optimizer.weight_decay, when=optimizer.weight_decay)
    put("CLIP", run.clip, "norm of the gradient", when=run.clip)
    put("EMA_DECAY", run.ema, "of the average of the weights", when=run.ema)
    put("SAVE_EVERY", run.save_every, "steps", when=run.save_every)
    put("PATIENCE", run.patience, "epochs", when=run.patience)
    for name in SHARES:
        claim = getattr(recipe.expect, name)
        if claim is not None:
            put(f"EXPECTED_{name.upper()}", float(claim.rstrip("%")), "percent")
    put("EXPECTED_LOSS", recipe.expect.loss, when=recipe.expect.loss is not None)
    writer.gap(1)
    writer.line("HERE = Path(__file__).resolve().parent")
