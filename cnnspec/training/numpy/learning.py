"""The part of a NumPy training program that learns: the loss, the optimizer, a step, and the evaluation."""

from __future__ import annotations

from dataclasses import replace

from cnnspec.lower.names import Namer
from cnnspec.lower.writer import Writer, call, listed, literal, put_targets
from cnnspec.training.learning import batches, changes_rate, put_rate
from cnnspec.training.network import Output
from cnnspec.training.plan import Plan
from cnnspec.training.recipe import Adam, AdamW, CrossEntropy, Sgd

FUNCTIONS = {"bce": "binary_cross_entropy", "mse": "squared_error", "dice": "dice_loss"}


def put_learning(writer: Writer, plan: Plan, *, draws: bool) -> None:
    """Writes `rate_at`, `loss_of`, the optimizer, `train_step` and `evaluate`. `draws`: whether the network
    draws random numbers in training."""
    if changes_rate(plan):
        put_rate(writer, plan, "def rate_at(step, steps):")
        writer.gap(2)
    put_loss(writer, plan)
    writer.gap(2)
    _optimizer(writer, plan)
    writer.gap(2)
    _step(writer, plan, draws)
    writer.gap(2)
    _evaluate(writer, plan)
    writer.gap(2)


def put_loss(writer: Writer, plan: Plan) -> None:
    """Writes `loss_of`: the loss, and its gradient with respect to each output."""
    outputs = plan.network.outputs
    if len(outputs) == 1:
        with writer.block("def loss_of(y, labels):"):
            writer.doc("The loss, and its gradient with respect to the network's output.")
            writer.line(f"return {_loss_call(outputs[0], 'y')}")
        return
    with writer.block("def loss_of(outputs, labels):"):
        writer.doc("The weighted sum of the losses, and its gradient with respect to each output.")
        namer = Namer({"outputs", "labels"})
        names = [namer.take(output.label) for output in outputs]
        pairs = [(namer.take(f"{name}_loss"), namer.take(f"{name}_grad")) for name in names]
        put_targets(writer, names, "outputs")
        losses, grads = [], []
        for name, (loss, grad), output in zip(names, pairs, outputs, strict=True):
            weight = output.loss.weight
            if not weight:
                grads.append(f"np.zeros_like({name})")
                continue
            factor = "" if weight == 1 else f"{literal(weight)} * "
            writer.line(f"{loss}, {grad} = {_loss_call(output, name)}")
            losses.append(f"{factor}{loss}")
            grads.append(f"{factor}{grad}")
        writer.line(f"return {' + '.join(losses) or '0.0'}, ({', '.join(grads)})")


def _loss_call(output: Output, y: str) -> str:
    """`cross_entropy(y, labels)`, with the output converted as its last layer requires."""
    loss = output.loss
    function = FUNCTIONS.get(loss.kind, "cross_entropy")
    more = ""
    if isinstance(loss, CrossEntropy) and (loss.smoothing or loss.ignore >= 0 or output.maps):
        function, more = "smoothed_cross_entropy", f", {literal(loss.smoothing)}, {loss.ignore}"
    around = []
    if len(output.shape) > 1 and not output.maps and loss.kind == "cross_entropy":
        around.append("of_vectors")
    if output.last == "rbf":
        around.append("of_distances")
    if output.last == "softmax" and loss.kind in ("cross_entropy", "dice"):
        around.append("of_probabilities")
    if output.last == "sigmoid" and loss.kind in ("bce", "dice"):
        around.append("of_sigmoid")
    if not around:
        return f"{function}({y}, labels{more})"
    *outer, last = around
    loss_call = f"{last}({function}, {y}, labels{more})"
    for one in reversed(outer):
        loss_call = f"{one}(lambda {y}, labels: {loss_call}, {y}, labels)"
    return loss_call


def optimizer_name(plan: Plan) -> str:
    """The name of the optimizer's function in the program."""
    return str(plan.recipe.optimizer.name)


def _optimizer(writer: Writer, plan: Plan) -> None:
    optimizer = plan.recipe.optimizer
    with writer.block(f"def {optimizer_name(plan)}(params, grads, state, step, rate):"):
        _formulas(writer, plan)
        with writer.block("for key, g in grads.items():"):
            writer.line("w = params[key]")
            if optimizer.weight_decay:
                decayed = "w - rate * WEIGHT_DECAY * w"
                line = f"w = {decayed}" if isinstance(optimizer, AdamW) else "g = g + WEIGHT_DECAY * w"
                if optimizer.decay_all:
                    writer.line(line)
                else:
                    with writer.block("if w.ndim > 1:"):
                        writer.line(line, "a filter; biases and norms do not decay")
            match optimizer:
                case Sgd():
                    _sgd(writer, optimizer)
                case Adam():
                    first, second = map(literal, optimizer.betas)
                    _average(writer, "m", optimizer.betas[0], "g")
                    _average(writer, "v", optimizer.betas[1], "g * g")
                    writer.line(f"m, v = m / (1 - {first} ** (step + 1)), v / (1 - {second} ** (step + 1))")
                    writer.line(f"w = w - rate * m / (np.sqrt(v) + {literal(optimizer.eps)})")
                case _:
                    _average(writer, "v", optimizer.alpha, "g * g")
                    writer.line(f"g = g / (np.sqrt(v) + {literal(optimizer.eps)})")
                    if optimizer.momentum:
                        _velocity(writer, optimizer.momentum)
                    writer.line(f"w = w - rate * {'u' if optimizer.momentum else 'g'}")
            if plan.recipe.run.ema:
                writer.line('old = state.get(f"average:{key}", params[key])')
                writer.line('state[f"average:{key}"] = EMA_DECAY * old + (1 - EMA_DECAY) * w')
            writer.line("params[key] = w")


def _formulas(writer: Writer, plan: Plan) -> None:
    """The optimizer's docstring: its formulas for a weight w with the gradient g."""
    optimizer = plan.recipe.optimizer
    match optimizer:
        case Sgd(momentum=0.0):
            lines = ["w <- w - rate g"]
        case Sgd(nesterov=True):
            lines = ["u <- momentum u + g", "w <- w - rate (g + momentum u)"]
        case Sgd():
            lines = ["u <- momentum u + g", "w <- w - rate u"]
        case Adam():
            lines = ["m <- b1 m + (1 - b1) g", "v <- b2 v + (1 - b2) g^2"]
            lines.append("w <- w - rate m' / (sqrt(v') + eps)")
        case _:
            moved = "u" if optimizer.momentum else "g / (sqrt(v) + eps)"
            lines = ["v <- a v + (1 - a) g^2", f"w <- w - rate {moved}"]
            if optimizer.momentum:
                lines.insert(1, "u <- momentum u + g / (sqrt(v) + eps)")
    name = {"sgd": "Gradient descent", "adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop"}[optimizer.name]
    if getattr(optimizer, "momentum", 0) and isinstance(optimizer, Sgd):
        name += " with Nesterov's momentum" if optimizer.nesterov else " with momentum"
    writer.line(f'"""{name}: changes each weight w by its gradient g.')
    writer.gap(1)
    for line in lines:
        writer.line(line)
    if isinstance(optimizer, Adam):
        writer.gap(1)
        writer.line("m' = m / (1 - b1^t), v' = v / (1 - b2^t) in step t = 1, 2, ...: both start at 0.")
    writer.line('"""')


def _average(writer: Writer, name: str, decay: float, value: str) -> None:
    rest = f"(1 - {literal(decay)}) * {value}"
    writer.line(f'{name} = {literal(decay)} * state.get(f"{name}:{{key}}", 0) + {rest}')
    writer.line(f'state[f"{name}:{{key}}"] = {name}')


def _velocity(writer: Writer, momentum: float) -> None:
    writer.line(f'u = {literal(momentum)} * state.get(f"u:{{key}}", 0) + g')
    writer.line('state[f"u:{key}"] = u')


def _sgd(writer: Writer, optimizer: Sgd) -> None:
    if not optimizer.momentum:
        writer.line("w = w - rate * g")
        return
    _velocity(writer, optimizer.momentum)
    direction = f"(g + {literal(optimizer.momentum)} * u)" if optimizer.nesterov else "u"
    writer.line(f"w = w - rate * {direction}")


def _step(writer: Writer, plan: Plan, draws: bool) -> None:
    run = plan.recipe.run
    with writer.block("def train_step(params, state, images, labels, step, rate):"):
        writer.doc("One step on a batch of images; gives its loss.")
        if plan.chances:
            writer.line(f'chance = chances(BATCH * {plan.chances}, SEED, "augment", step)')
            writer.line(f"chance = chance.reshape(BATCH, {plan.chances})")
        if draws:
            writer.line("rng = np.random.default_rng((SEED, step))")
        if run.accumulate == 1:
            _forward(writer, plan, "", draws)
            writer.line("params.update(stats)")
        else:
            _accumulated(writer, plan, draws)
        if run.clip:
            writer.line("norm = math.sqrt(sum(float((g * g).sum()) for g in grads.values()))")
            writer.line("share = min(1, CLIP / (norm + 1e-6))")
            writer.line("grads = {key: share * g for key, g in grads.items()}")
        writer.line(f"{optimizer_name(plan)}(params, grads, state, step, rate)")
        writer.line("return float(loss)" if run.accumulate == 1 else "return total")


def _forward(writer: Writer, plan: Plan, part: str, draws: bool) -> None:
    writer.line(f"x, y = prepared(images{part}), labels{part}")
    if plan.maps_move:
        writer.line(f"x, y = augmented(x, y, chance{part})")
    elif plan.chances:
        writer.line(f"x = augmented(x, chance{part})")
    call_ = call("net.loss_and_grads", "params", "x", "y", "loss_of")
    if draws:
        call_ = replace(call_, items=(*call_.items, "rng=rng"))
    writer.put("loss, grads, _, stats = ", call_)


def _accumulated(writer: Writer, plan: Plan, draws: bool) -> None:
    writer.line("total, sums = 0.0, {}")
    with writer.block("for rows in np.split(np.arange(BATCH), ACCUMULATE):"):
        _forward(writer, plan, "[rows]", draws)
        writer.line("params.update(stats)")
        writer.line("total += float(loss) / ACCUMULATE")
        with writer.block("for key, g in grads.items():"):
            writer.line("sums[key] = sums.get(key, 0) + g / ACCUMULATE")
    writer.line("grads = sums")


def _evaluate(writer: Writer, plan: Plan) -> None:
    several = len(plan.network.outputs) > 1
    with writer.block("def evaluate(params, samples):"):
        what = "mean loss and the share of right answers" if plan.accuracy else "mean loss"
        writer.doc(f"The {what} on images that are held out: each counts once.")
        writer.line("count = len(samples.labels)")
        writer.line("parts = [np.arange(i, min(i + BATCH, count)) for i in range(0, count, BATCH)]")
        writer.line("loss = right = answers = 0" if plan.accuracy else "loss = 0")
        if plan.overlap:
            writer.line(f"overlap = np.zeros((2, {plan.counted}))")
        with writer.block(f"for images, labels in {batches(plan, 'samples', 'parts')}:"):
            writer.line("y = net.forward(params, prepared(images))")
            writer.line("loss += len(labels) * float(loss_of(y, labels)[0])")
            if plan.accuracy:
                answer, truth, counted = answers(plan, "y[0]" if several else "y", "labels")
                if plan.overlap:
                    writer.line(f"found, truth = {answer}, {truth}")
                    answer, truth = "found", "truth"
                writer.line(f"right += int(({answer} == {truth}).sum())")
                writer.line(f"answers += {counted}")
            if plan.overlap and plan.classes:
                ignored = [] if plan.ignored is None else [plan.ignored]
                writer.put("overlap += ", call("overlap_of", answer, truth, "CLASSES", *ignored))
            elif plan.overlap:
                writer.line("overlap += overlap_of(found.astype(int), truth.astype(int), 2)[:, 1:]")
        result = ['"loss": loss / count', *(['"accuracy": right / answers'] if plan.accuracy else [])]
        result += ['"dice": mean_dice(overlap)'] if plan.overlap else []
        writer.put("return ", listed(result, "{", "}"))


def answers(plan: Plan, y: str, labels: str) -> tuple[str, str, str]:
    """Code for the network's answers, the right answers, and the number of answers that count."""
    judged = plan.judged
    if judged.loss.kind == "bce" or judged.shape[0] == 1:
        middle = "0.5" if judged.last == "sigmoid" else "0"
        truth = f"({labels}.reshape({y}.shape) > 0.5)"
        return f"({y} > {middle})", truth, f"{labels}.size"
    place = "argmin" if judged.last == "rbf" else "argmax"
    shape = f".reshape(len({y}), -1)" if len(judged.shape) > 1 and not judged.maps else ""
    counted = f"{labels}.size" if plan.ignored is None else f"int(({labels} != {plan.ignored}).sum())"
    return f"{y}{shape}.{place}(1)", labels, counted
