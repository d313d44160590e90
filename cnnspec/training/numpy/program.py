"""A recipe and a network → `train.py` in NumPy alone, for use beside the emitted `net.py`."""

from __future__ import annotations

from cnnspec.ir.graph import Graph
from cnnspec.lower.names import escaped, string
from cnnspec.lower.writer import Writer
from cnnspec.training.claims import put_baseline, put_checked, put_missed, put_rank, shown
from cnnspec.training.data import put_augmented, put_data, put_held_out
from cnnspec.training.learning import batches, changes_rate
from cnnspec.training.main import put_data_option, put_identity, put_load, put_run
from cnnspec.training.network import Network
from cnnspec.training.numpy.learning import answers, put_learning, put_loss
from cnnspec.training.numpy.library import pieces
from cnnspec.training.plan import Plan
from cnnspec.training.program import assembled
from cnnspec.training.recipe import Augment, Decoded, Npz, Recipe
from cnnspec.training.settings import put_settings


def emit(graph: Graph, network: Network, recipe: Recipe, net: str, path: str) -> str:
    """The text of train.py. `net` is the NumPy program of the network, `path` the path of the data from the
    program's folder."""
    head = escaped(f"Trains {graph.name} (net.py) with NumPy")
    plan = Plan(network, recipe, "", path, head, graph.inputs[0])
    body = Writer()
    put_data(body, plan, typed=False)
    body.gap(2)
    _prepared(body, plan)
    body.gap(2)
    if plan.chances:
        put_augmented(body, plan, "images, labels, chance" if plan.maps_move else "images, chance")
        body.gap(2)
    put_learning(body, plan, draws="net.rng" in net)
    put_rank(body, plan, typed=False)
    body.gap(2)
    _main(body, plan)
    body.gap(2)
    return _assembled(plan, DOC.format(head), "import net", body)


def emit_data(graph: Graph, network: Network, recipe: Recipe) -> str:
    """A program that has what the scoring of a network needs: `load_held_out`, `prepared`,
    `loss_of`, `answers_of`, the network's answers and the right ones, and `LAST`, the layer that makes
    them."""
    data = recipe.data
    if isinstance(data, Decoded):
        data = data.model_copy(update={"stream": False})
    recipe = recipe._replace(data=data, augment=Augment())
    plan = Plan(network, recipe, "", "", escaped(f"The data of {graph.name}"), graph.inputs[0])
    body = Writer()
    put_held_out(body, plan)
    body.gap(2)
    _prepared(body, plan)
    body.gap(2)
    put_loss(body, plan)
    body.gap(2)
    body.line(f"LAST = {string(plan.judged.last)}")
    body.gap(2)
    with body.block("def answers_of(y, labels):"):
        if plan.accuracy:
            answer, truth, _ = answers(plan, "y", "labels")
            body.line(f"return {answer}, {truth}")
        else:
            body.line("return None")
    return _assembled(plan, f'"""{plan.head}."""', "", body)


def _assembled(plan: Plan, doc: str, net: str, body: Writer) -> str:
    settings, ending = Writer(), Writer()
    put_settings(settings, plan, processes=False)
    if net:
        put_run(ending)
    return assembled(doc, net, settings, body, ending, pieces())


def _prepared(writer: Writer, plan: Plan) -> None:
    data = plan.recipe.data
    with writer.block("def prepared(images):"):
        writer.doc("The network's input for these images.")
        if isinstance(data, Npz):
            writer.line("x = images.astype(np.float32)")
            with writer.block("if images.dtype == np.uint8:"):
                writer.line("x = x / 255")
        else:
            writer.line("x = images.astype(np.float32) / 255")
        axes = ", ".join(["-1", *["1"] * plan.axes])
        for constant, sign in (("MEAN", "-"), ("STD", "/")):
            if getattr(data, constant.lower()):
                writer.line(f"x = x {sign} np.float32({constant}).reshape({axes})")
        writer.line("return x")


DOC = '''\
"""{}.

    python train.py            from the start
    python train.py --resume   goes on from the last checkpoint

Writes log.csv, best.npz (the weights of the best epoch) and last.npz (all that is
needed to go on; the run is then the one that was not interrupted).
"""
'''


def _main(writer: Writer, plan: Plan) -> None:
    run = plan.recipe.run
    with writer.block("def main():"):
        _begin(writer, plan)
        writer.gap(1)
        going = 'progress["step"] < EPOCHS * steps'
        if run.patience:
            going += ' and progress["stale"] < PATIENCE'
        with writer.block(f"while {going}:"):
            writer.line('epoch, done = divmod(progress["step"], steps)')
            writer.line('order = random_order(len(training.labels), SEED, "order", epoch)')
            writer.line("start = time.monotonic()")
            writer.line("parts = order[: steps * BATCH].reshape(steps, BATCH)[done:]")
            if plan.windows:
                writer.line('shown = windows(progress["step"])')
            loader = batches(plan, "training", "parts", "shown" if plan.windows else "")
            with writer.block(f"for images, labels in {loader}:"):
                writer.line('step = progress["step"]')
                writer.line(f"rate = {'rate_at(step, steps)' if changes_rate(plan) else 'RATE'}")
                writer.line("loss = train_step(params, state, images, labels, step, rate)")
                writer.line('progress["step"] += 1')
                writer.line('progress["sum"] += loss')
                with writer.block("if bar.due(step + 1):"):
                    writer.line("bar.show(epoch + 1, step + 1, EPOCHS * steps, BATCH, loss)")
                if run.save_every:
                    with writer.block("if (step + 1) % steps and (step + 1) % SAVE_EVERY == 0:"):
                        _save(writer)
            writer.gap(1)
            _end_of_epoch(writer, plan)
        writer.gap(1)
        _finish(writer, plan)


def _begin(writer: Writer, plan: Plan) -> None:
    writer.line("parser = argparse.ArgumentParser(description=__doc__)")
    writer.line('parser.add_argument("--out", type=Path, default=HERE, help="folder of the run")')
    writer.line('parser.add_argument("--resume", action="store_true", help="go on")')
    put_data_option(writer, plan)
    writer.line("options = parser.parse_args()")
    writer.line('np.seterr(all="ignore")', "check_loss reports it")
    writer.gap(1)
    put_load(writer, plan)
    writer.line("params, state = net.init(SEED), {}")
    put_identity(writer, plan)
    writer.line("progress = {")
    with writer.indented():
        writer.line('"identity": identity,')
        writer.line('"step": 0,')
        writer.line('"sum": 0.0,  # of the losses of this epoch')
        writer.line('"epoch": 0,  # the best one')
        writer.line('"best": {},  # its result')
        writer.line('"stale": 0,  # epochs since the best one')
    writer.line("}")
    writer.line('last, log = options.out / "last.npz", options.out / "log.csv"')
    with writer.block("if last.exists():"):
        with writer.block("if not options.resume:"):
            writer.line('raise Refused(f"{last} exists: --resume goes on from it")')
        writer.line("state, progress = load_checkpoint(last, identity)")
        writer.line("params = {key: state.pop(key) for key in params}")
    writer.line('rows = read_log(log, progress["step"])')
    writer.line("bar = ProgressBar()")


def _end_of_epoch(writer: Writer, plan: Plan) -> None:
    weights = "params"
    writer.line('check_loss(progress["sum"], epoch + 1)')
    if plan.recipe.run.ema:
        writer.line('weights = {key: state.get(f"average:{key}", one) for key, one in params.items()}')
        weights = "weights"
    writer.line("seconds = time.monotonic() - start")
    writer.line(f"result = evaluate({weights}, held_out)")
    writer.line('check_loss(result["loss"], epoch + 1)')
    writer.line("entry = {")
    with writer.indented():
        writer.line('"epoch": str(epoch + 1),')
        writer.line('"step": str(progress["step"]),')
        writer.line('"rate": f"{rate:.6g}",')
        writer.line('"loss": f"{progress[\'sum\'] / steps:.6f}",')
        writer.line('"held_out_loss": f"{result[\'loss\']:.6f}",')
        if plan.accuracy:
            writer.line('"accuracy": f"{100 * result[\'accuracy\']:.2f}",')
        if plan.overlap:
            writer.line('"dice": f"{100 * result[\'dice\']:.2f}",')
        writer.line('"seconds": f"{seconds:.2f}",')
        writer.line('"images_per_second": f"{(steps - done) * BATCH / seconds:.0f}",')
    writer.line("}")
    writer.line("bar.end_epoch(entry)")
    writer.line("rows.append(entry)")
    writer.line("write_log(log, rows)")
    writer.line('progress |= {"sum": 0.0, "stale": progress["stale"] + 1}')
    with writer.block('if not progress["best"] or rank(result) > rank(progress["best"]):'):
        writer.line('progress |= {"epoch": epoch + 1, "best": result, "stale": 0}')
        writer.line(f'save_arrays(options.out / "best.npz", {weights})')
    _save(writer)


def _save(writer: Writer) -> None:
    writer.line('save_arrays(last, {**params, **state, "progress": json.dumps(progress)})')


def _finish(writer: Writer, plan: Plan) -> None:
    expect = plan.recipe.expect
    writer.line('best = progress["best"]')
    ok = put_checked(writer, plan)
    writer.line(f"result = {shown(plan, 'best')}")
    writer.line("print(f\"best: epoch {progress['epoch']}, {result}\")")
    put_baseline(writer, plan, "held_out.labels")
    writer.line('about = {key: progress[key] for key in ("step", "epoch", "best", "stale")}')
    writer.line(f'about = json.dumps({{**about, "ok": {ok}}})')
    writer.line('write_whole(options.out / "result.json", about.encode())')
    put_missed(writer, expect, "not ok")
    writer.line("return 0" if ok == "True" else "return 0 if ok else 1")
