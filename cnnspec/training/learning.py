"""The part of a training program that learns: the learning rate, the loss, a step, and the evaluation on
held-out images."""

from __future__ import annotations

from cnnspec.lower.names import Namer
from cnnspec.lower.writer import Group, Writer, call, listed, literal, put_targets
from cnnspec.training.network import Output
from cnnspec.training.plan import Plan
from cnnspec.training.recipe import Adam, AdamW, CrossEntropy, RmsProp, Sgd

AUTOCAST = "with torch.autocast(device.type, torch.bfloat16):"


def put_learning(writer: Writer, plan: Plan) -> None:
    """Writes `rate_at`, `make_optimizer`, `loss_of`, `train_step` and `evaluate`."""
    for put in (_rate, _optimizer, _loss, _step, _evaluate):
        put(writer, plan)
        writer.gap(2)


def changes_rate(plan: Plan) -> bool:
    """Whether the learning rate changes during training."""
    schedule = plan.recipe.schedule
    return schedule.decay != "constant" or schedule.warmup > 0


def _rate(writer: Writer, plan: Plan) -> None:
    if changes_rate(plan):
        put_rate(writer, plan, "def rate_at(step: int, steps: int) -> float:")


def put_rate(writer: Writer, plan: Plan, header: str) -> None:
    """Writes the function for the learning rate of a step; `header` is its first line."""
    schedule = plan.recipe.schedule
    with writer.block(header):
        writer.doc("The learning rate of a step; an epoch has `steps`.")
        writer.line("epoch = step / steps")
        if schedule.warmup:
            with writer.block("if epoch < WARMUP:"):
                writer.line("return RATE * (step + 1) / (WARMUP * steps)")
        if schedule.decay == "constant":
            writer.line("return RATE")
            return
        if schedule.decay == "step":
            writer.line("return RATE * FACTOR ** sum(epoch >= one for one in MILESTONES)")
            return
        if schedule.decay == "exponential":
            writer.line("return RATE * FACTOR ** int(epoch)")
            return
        start = " - WARMUP" if schedule.warmup else ""
        above = f"(epoch{start})" if start else "epoch"
        below = f"(EPOCHS{start})" if start else "EPOCHS"
        writer.line(f"progress = {above} / {below}")
        share = "(1 + math.cos(math.pi * progress)) / 2"
        if schedule.decay == "poly":
            share = "(1 - progress) ** POWER"
        if schedule.last:
            writer.line(f"share = {share}")
            writer.line("return RATE * (LAST_RATE + (1 - LAST_RATE) * share)")
        else:
            writer.line(f"return RATE * {share}")


def _optimizer(writer: Writer, plan: Plan) -> None:
    optimizer = plan.recipe.optimizer
    with writer.block("def make_optimizer(net: nn.Module) -> Optimizer:"):
        named: dict[str, object] = {"lr": "RATE"}
        parameters = "[one for one in net.parameters() if one.requires_grad]"
        if optimizer.weight_decay and not optimizer.decay_all:
            parameters = "parameter_groups(net, WEIGHT_DECAY)"
        elif optimizer.weight_decay:
            named["weight_decay"] = "WEIGHT_DECAY"
        match optimizer:
            case Sgd():
                function = "SGD"
                named |= {"momentum": optimizer.momentum, "nesterov": optimizer.nesterov}
            case Adam():
                function = "AdamW" if isinstance(optimizer, AdamW) else "Adam"
                named |= {"betas": tuple(optimizer.betas), "eps": optimizer.eps}
                if function == "AdamW" and not optimizer.weight_decay:
                    named["weight_decay"] = 0.0  # torch's default is 0.01
            case RmsProp():
                function = "RMSprop"
                named |= {"alpha": optimizer.alpha, "momentum": optimizer.momentum, "eps": optimizer.eps}
        defaults = {"momentum": 0.0, "nesterov": False, "betas": (0.9, 0.999), "eps": 1e-8, "alpha": 0.99}
        writer.line(f"parameters = {parameters}")
        writer.put("return ", call(f"torch.optim.{function}", "parameters", defaults=defaults, **named))


def _loss(writer: Writer, plan: Plan) -> None:
    outputs = plan.network.outputs
    kind = "Tensor" if len(outputs) == 1 else "tuple[Tensor, ...]"
    with writer.block(f"def loss_of(outputs: {kind}, labels: Tensor) -> Tensor:"):
        if len(outputs) == 1:
            writer.put("return ", _loss_call(outputs[0], "outputs"))
            return
        namer = Namer({"outputs", "labels", "loss"})
        names = [namer.take(output.label) for output in outputs]
        put_targets(writer, names, "outputs")
        first = True
        for name, output in zip(names, outputs, strict=True):
            if not output.loss.weight:
                continue
            weight = "" if output.loss.weight == 1 else f"{literal(output.loss.weight)} * "
            writer.put(f"loss {'' if first else '+'}= {weight}", _loss_call(output, name))
            first = False
        writer.line("return loss")


def scores_of(output: Output, variable: str) -> str:
    """Code for an output in the form that its loss takes: one axis of classes, where larger is more
    likely."""
    loss = output.loss.kind
    if output.last == "softmax" and loss in ("cross_entropy", "dice"):
        variable = f"log_probabilities({variable})"
    if output.last == "sigmoid" and loss in ("bce", "dice"):
        variable = f"logits({variable})"
    if output.last == "rbf":
        variable = f"-{variable}"
    if len(output.shape) > 1 and not output.maps and loss == "cross_entropy":
        variable = f"torch.flatten({variable}, 1)"
    return variable


def _loss_call(output: Output, variable: str) -> Group:
    scores, loss = scores_of(output, variable), output.loss
    match loss.kind:
        case "bce":
            function = "F.binary_cross_entropy_with_logits"
            labels = f"labels.view_as({variable}).float()"
            return call(function, scores, labels)
        case "mse":
            return call("F.mse_loss", scores, f"labels.view_as({variable}).float()")
        case "dice":
            return call("dice_loss", scores, "labels")
    assert isinstance(loss, CrossEntropy)
    defaults: dict[str, object] = {"label_smoothing": 0.0, "ignore_index": -1}
    named = {"label_smoothing": loss.smoothing, "ignore_index": loss.ignore}
    return call("F.cross_entropy", scores, "labels", defaults=defaults, **named)


def _step(writer: Writer, plan: Plan) -> None:
    run = plan.recipe.run
    writer.line("def train_step(")
    with writer.indented():
        writer.line("model: nn.Module,")
        writer.line("optimizer: Optimizer,")
        writer.line("images: np.ndarray,")
        writer.line("labels: np.ndarray,")
        writer.line("step: int,")
        writer.line("team: Team,")
    with writer.block(") -> Tensor:"):
        writer.doc("One step, on this process's part of a global batch; gives its loss.")
        writer.line("device = team.device")
        if plan.chances:
            writer.line(f'chance = chances(BATCH * {plan.chances}, SEED, "augment", step)')
            writer.line(f"chance = chance.reshape(team.size, -1, {plan.chances})[team.rank]")
        if run.accumulate == 1:
            writer.line('torch.manual_seed(seed_from(SEED, "dropout", step, team.rank))')
            _forward(writer, plan, "loss_of(model(x), y)")
            writer.line("optimizer.zero_grad()")
            writer.line("loss.backward()")
        else:
            _accumulated(writer, plan)
        if run.clip:
            writer.line("nn.utils.clip_grad_norm_(model.parameters(), CLIP)")
        writer.line("optimizer.step()")
        writer.line("return loss.detach()" if run.accumulate == 1 else "return total")


def _forward(writer: Writer, plan: Plan, loss: str) -> None:
    writer.line("x, y = prepared(images, labels, device)")
    if plan.chances:
        if plan.maps_move:
            writer.line("x, y = augmented(x, y, on_device(chance, device))")
        else:
            writer.line("x = augmented(x, on_device(chance, device))")
    if plan.recipe.run.amp:
        with writer.block(AUTOCAST):
            writer.line(f"loss = {loss}")
    else:
        writer.line(f"loss = {loss}")


def _accumulated(writer: Writer, plan: Plan) -> None:
    writer.line("optimizer.zero_grad()")
    writer.line("total = torch.zeros((), device=device)")
    parts = ["images", "labels", *(["chance"] if plan.chances else [])]
    writer.put("parts = ", call("zip", *(f"np.split({part}, ACCUMULATE)" for part in parts), strict=True))
    with writer.block(f"for number, ({', '.join(parts)}) in enumerate(parts):"):
        writer.line('seed = seed_from(SEED, "dropout", step, team.rank, number)')
        writer.line("torch.manual_seed(seed)")
        _forward(writer, plan, "loss_of(model(x), y) / ACCUMULATE")
        writer.line("last = number == ACCUMULATE - 1")
        if plan.recipe.run.parallel == "fsdp":
            writer.line("model.set_requires_gradient_sync(last)")
            writer.line("loss.backward()")
        else:
            writer.line("alone = team.size == 1")
            with writer.block("with nullcontext() if last or alone else model.no_sync():"):
                writer.line("loss.backward()")
        writer.line("total += loss.detach()")


def _evaluate(writer: Writer, plan: Plan) -> None:
    run = plan.recipe.run
    writer.line("@torch.no_grad()")
    head = f"def evaluate(net: nn.Module, samples: {plan.samples}, team: Team) -> dict[str, float]:"
    with writer.block(head):
        writer.doc("The result on the held-out images: each counts once, on any number of processes.")
        writer.line("net.eval()")
        writer.line("device = team.device")
        count = 4 if plan.accuracy else 2
        writer.line(f"sums = torch.zeros({count}, dtype=torch.float64, device=device)")
        if plan.overlap:
            size = f"2, {plan.counted}"
            writer.line(f"overlap = torch.zeros({size}, dtype=torch.float64, device=device)")
        writer.line("count = len(samples.labels)")
        writer.line("every = [np.arange(i, min(i + BATCH, count)) for i in range(0, count, BATCH)]")
        writer.line("parts = [rows[team.rank :: team.size] for rows in every]")
        sharded = run.parallel == "fsdp"
        if sharded:
            writer.line("first = np.array([0])", "all processes take part in a pass")
            writer.line("shown = [rows if len(rows) else first for rows in parts]")
            loop = (
                f"for rows, (images, labels) in zip(parts, {batches(plan, 'samples', 'shown')}, strict=True):"
            )
        else:
            writer.line("parts = [rows for rows in parts if len(rows)]")
            loop = f"for images, labels in {batches(plan, 'samples', 'parts')}:"
        with writer.block(loop):
            writer.line("x, y = prepared(images, labels, device)")
            if run.amp:
                with writer.block(AUTOCAST):
                    writer.line("outputs = net(x)")
                    writer.line("loss = loss_of(outputs, y)")
            else:
                writer.line("outputs = net(x)")
                writer.line("loss = loss_of(outputs, y)")
            if sharded:
                with writer.block("if len(rows) == 0:"):
                    writer.line("continue")
            writer.line("sums[0] += len(y) * loss")
            writer.line("sums[1] += len(y)")
            if plan.accuracy:
                _right(writer, plan)
        with writer.block("if team.size > 1:"):
            writer.line("dist.all_reduce(sums)")
            if plan.overlap:
                writer.line("dist.all_reduce(overlap)")
        result = ['"loss": loss_sum / images_seen']
        if plan.accuracy:
            writer.line("loss_sum, images_seen, right, answers = sums.tolist()")
            result.append('"accuracy": right / answers')
        else:
            writer.line("loss_sum, images_seen = sums.tolist()")
        if plan.overlap:
            result.append('"dice": mean_dice(overlap)')
        writer.put("return ", listed(result, "{", "}"))


def batches(plan: Plan, samples: str, parts: str, windows: str = "") -> str:
    """The call that returns the images and labels of these parts."""
    if not plan.streams:
        return f"batches({samples}, {parts})"
    return f"streamed({', '.join([samples, parts, 'decode', 'THREADS', *([windows] if windows else [])])})"


def _right(writer: Writer, plan: Plan) -> None:
    judged = plan.judged
    variable = "outputs" if len(plan.network.outputs) == 1 else "outputs[0]"
    yes_or_no = judged.loss.kind == "bce" or judged.shape[0] == 1
    if yes_or_no:
        middle = "0.5" if judged.last == "sigmoid" else "0"
        writer.line(f"found, truth = {variable} > {middle}, y.view_as({variable}) > 0.5")
        writer.line("sums[2] += (found == truth).sum()")
        writer.line("sums[3] += found.numel()")
        if plan.overlap:
            writer.line("overlap += overlap_of(found.long(), truth.long(), 2)[:, 1:]")
        return
    sign = "-" if judged.last == "rbf" else ""
    shape = ".flatten(1)" if len(judged.shape) > 1 and not judged.maps else ""
    found = f"({sign}{variable}){shape}.argmax(1)" if sign else f"{variable}{shape}.argmax(1)"
    if plan.overlap:
        writer.line(f"found = {found}")
        found = "found"
    writer.line(f"right = {found} == y")
    writer.line("sums[2] += right.sum()")
    ignored = plan.ignored
    counted = "y.numel()" if ignored is None else f"(y != {ignored}).sum()"
    writer.line(f"sums[3] += {counted}")
    if plan.overlap:
        more = "" if ignored is None else f", {ignored}"
        writer.line(f"overlap += overlap_of(found, y, CLASSES{more})")
