"""The part of a training program that runs: its arguments and its epochs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnnspec.lower.names import string
from cnnspec.lower.writer import Writer, call, listed
from cnnspec.training.claims import put_baseline, put_checked, put_missed, put_rank, shown
from cnnspec.training.learning import batches, changes_rate
from cnnspec.training.plan import Plan
from cnnspec.training.recipe import Table

AVERAGE = '"average.": average'


def put_main(writer: Writer, plan: Plan) -> None:
    """Writes `arguments`, `resumed`, `main`, and the code that runs when the file is executed."""
    put_rank(writer, plan, typed=True)
    writer.gap(2)
    for put in (_arguments, _begin, _main, _finish, _export):
        put(writer, plan)
        writer.gap(2)


def _arguments(writer: Writer, plan: Plan) -> None:
    with writer.block("def arguments() -> argparse.Namespace:"):
        writer.line("parser = argparse.ArgumentParser(description=__doc__)")
        writer.line('out = "the folder to write into"')
        writer.line('parser.add_argument("--out", type=Path, default=HERE, help=out)')
        writer.line('resume = "go on from the last checkpoint, if there is one"')
        writer.line('parser.add_argument("--resume", action="store_true", help=resume)')
        put_data_option(writer, plan)
        writer.line("return parser.parse_args()")


def put_load(writer: Writer, plan: Plan) -> None:
    """The images, of which there must be enough."""
    writer.line(f"training, held_out = load_samples({'options.data' if plan.path else ''})")
    writer.line("steps = len(training.labels) // BATCH")
    with writer.block("if steps == 0:"):
        writer.line('message = f"a batch has {BATCH} images, the training set {len(training.labels)}"')
        writer.line('raise Refused(f"{message}: use a smaller batch")')
    with writer.block("if len(held_out.labels) == 0:"):
        writer.line('raise Refused("no images are held out: set validation = 0.1 in [data]")')


def put_identity(writer: Writer, plan: Plan) -> None:
    """What tells this run from others."""
    writer.line("identity = {")
    with writer.indented():
        writer.line('"network": file_hash(HERE / "net.py"),')
        writer.line('"recipe": settings_hash(globals()),')
        hash_function = "rows_hash" if isinstance(plan.recipe.data, Table) else "names_hash"
        identity = f"{hash_function}(training, held_out)" if plan.streams else "hash_of(*training, *held_out)"
        writer.line(f'"data set": {identity},')
    writer.line("}")


def put_data_option(writer: Writer, plan: Plan) -> None:
    """Writes `--data`, where the data is a file or a folder."""
    if plan.path:
        writer.line(f"data = (HERE / {string(plan.path)}).resolve()")
        writer.line('parser.add_argument("--data", type=Path, default=data, help="the images")')


def _begin(writer: Writer, plan: Plan) -> None:
    run = plan.recipe.run
    writer.line("def resumed(")
    with writer.indented():
        writer.line("path: Path,")
        writer.line("identity: dict[str, str],")
        writer.line("net: nn.Module,")
        if run.ema:
            writer.line("average: nn.Module,")
        writer.line("optimizer: Optimizer,")
        writer.line("epoch_loss: Tensor,")
    with writer.block(") -> Progress:"):
        writer.doc("Puts the tensors of the last checkpoint where they were.")
        writer.line("tensors, progress = load_checkpoint(path, identity)")
        writer.line('load_weights(net, picked(tensors, "net."))')
        if run.ema:
            writer.line('load_weights(average, picked(tensors, "average."))')
        writer.line('load_optimizer(net, optimizer, picked(tensors, "optimizer."))')
        writer.line('epoch_loss.copy_(tensors["loss"])')
        writer.line("return progress")


def _main(writer: Writer, plan: Plan) -> None:
    with writer.block("def main() -> int:"):
        writer.line("options = arguments()")
        writer.line("team = join_team()")
        _prepare(writer, plan)
        writer.gap(1)
        _make(writer, plan)
        writer.gap(1)
        _resume(writer, plan)
        writer.gap(1)
        _epochs(writer, plan)
        labels = "" if plan.overlap else "held_out.labels, "
        writer.line(f"return finish(options.out, progress, {labels}team)")


def _prepare(writer: Writer, plan: Plan) -> None:
    run = plan.recipe.run
    if run.deterministic:
        writer.line('os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")', "as cuBLAS requires it")
        writer.line("torch.use_deterministic_algorithms(True, warn_only=True)")
        writer.line("torch.backends.cudnn.benchmark = False")
    else:
        writer.line("torch.backends.cudnn.benchmark = True")
    writer.line(f"shares = team.size{' * ACCUMULATE' if run.accumulate > 1 else ''}")
    with writer.block("if BATCH % shares:"):
        writer.line('message = f"{BATCH} images cannot be divided into {shares} equal parts"')
        writer.line('raise Refused(f"{message}: use a multiple of {shares}")')
    put_load(writer, plan)


def _make(writer: Writer, plan: Plan) -> None:
    run = plan.recipe.run
    writer.line("torch.manual_seed(SEED)")
    memory = f", memory_format={plan.memory_format}" if run.channels_last else ""
    if memory:
        writer.line(f"net = {plan.model}().to(team.device{memory})")
    else:
        writer.line(f"net = {plan.model}().to(team.device)")
    if run.ema:
        writer.line("average = copy.deepcopy(net)")
    sharded = run.parallel == "fsdp"
    if sharded:
        with writer.block("if team.size > 1:"):
            writer.line("share_out(net, team)")
    writer.line("optimizer = make_optimizer(net)")
    writer.line(f'nets = {{"net.": net{", " + AVERAGE if run.ema else ""}}}')
    writer.line("epoch_loss = torch.zeros((), dtype=torch.float64, device=team.device)")
    writer.line("model: nn.Module = net")
    if not sharded:
        with writer.block("if team.size > 1:"):
            writer.line("model = DistributedDataParallel(net)")
            writer.line("model.broadcast_buffers = False", "running statistics: their mean is taken")
    if run.compile:
        writer.line("model = torch.compile(model)")


def _resume(writer: Writer, plan: Plan) -> None:
    average = "average, " if plan.recipe.run.ema else ""
    writer.line('last, log = options.out / "last.safetensors", options.out / "log.csv"')
    put_identity(writer, plan)
    writer.line("progress = Progress()")
    with writer.block("if last.exists():"):
        with writer.block("if not options.resume:"):
            writer.line('raise Refused(f"{last} exists: --resume goes on from it")')
        writer.line(f"progress = resumed(last, identity, net, {average}optimizer, epoch_loss)")
    writer.line("rows = read_log(log, progress.step)")
    writer.line("bar = ProgressBar(team.rank == 0)")
    if plan.recipe.run.tensorboard:
        with writer.block("if team.rank == 0:"):
            writer.line('board = SummaryWriter(options.out / "tensorboard", purge_step=len(rows) + 1)')


def _epochs(writer: Writer, plan: Plan) -> None:
    run = plan.recipe.run
    going = "progress.step < EPOCHS * steps"
    if run.patience:
        going += " and progress.stale < PATIENCE"
    with writer.block(f"while {going}:"):
        writer.line("epoch, done = divmod(progress.step, steps)")
        writer.line('order = random_order(len(training.labels), SEED, "order", epoch)')
        writer.line("start, begun = time.monotonic(), progress.step")
        writer.line("net.train()")
        writer.line("parts = order[: steps * BATCH].reshape(steps, team.size, -1)[done:, team.rank]")
        if plan.streams and plan.windows:
            writer.line("shown = windows(progress.step, team)")
        loader = batches(plan, "training", "parts", "shown" if plan.windows else "")
        with writer.block(f"for images, labels in {loader}:"):
            if changes_rate(plan):
                writer.line("set_rate(optimizer, rate_at(progress.step, steps))")
            writer.line("loss = train_step(model, optimizer, images, labels, progress.step, team)")
            if run.ema:
                writer.line("update_average(average, net, EMA_DECAY)")
            writer.line("epoch_loss += loss")
            writer.line("progress.step += 1")
            with writer.block("if bar.due(progress.step):"):
                writer.line("bar.show(epoch + 1, progress.step, EPOCHS * steps, BATCH, float(loss))")
            if run.save_every:
                writer.line("inside = progress.step % steps")
                with writer.block("if inside and progress.step % SAVE_EVERY == 0:"):
                    writer.line("average_over_processes(team, [*running_statistics(net), epoch_loss])")
                    writer.line("check_loss(float(epoch_loss), epoch + 1)")
                    _save(writer, plan)
        writer.gap(1)
        _end_of_epoch(writer, plan)


def _save(writer: Writer, plan: Plan) -> None:
    writer.line("tensors = state_of(nets, optimizer, epoch_loss)")
    with writer.block("if team.rank == 0:"):
        writer.line("save_checkpoint(last, tensors, progress, identity)")


def _end_of_epoch(writer: Writer, plan: Plan) -> None:
    run = plan.recipe.run
    judged = "average" if run.ema else "net"
    writer.line("average_over_processes(team, [*running_statistics(net), epoch_loss])")
    writer.line("check_loss(float(epoch_loss), epoch + 1)")
    if run.ema:
        writer.line("update_average(average, net, 1.0)", "statistics of all processes")
    writer.line("seconds = time.monotonic() - start")
    writer.line(f"result = evaluate({judged}, held_out, team)")
    writer.line('check_loss(result["loss"], epoch + 1)')
    writer.line("entry = {")
    with writer.indented():
        writer.line('"epoch": str(epoch + 1),')
        writer.line('"step": str(progress.step),')
        rate = "rate_at(progress.step - 1, steps)" if changes_rate(plan) else "RATE"
        writer.line(f'"rate": f"{{{rate}:.6g}}",')
        writer.line('"loss": f"{float(epoch_loss) / steps:.6f}",')
        writer.line('"held_out_loss": f"{result[\'loss\']:.6f}",')
        if plan.accuracy:
            writer.line('"accuracy": f"{100 * result[\'accuracy\']:.2f}",')
        if plan.overlap:
            writer.line('"dice": f"{100 * result[\'dice\']:.2f}",')
        writer.line('"seconds": f"{seconds:.2f}",')
        writer.line('"images_per_second": f"{(progress.step - begun) * BATCH / seconds:.0f}",')
    writer.line("}")
    writer.line("epoch_loss.zero_()")
    writer.line("rows.append(entry)")
    writer.line("better = not progress.best or rank(result) > rank(progress.best)")
    with writer.block("if better:"):
        writer.line("progress.best, progress.epoch = result, epoch + 1")
    writer.line("progress.stale = 0 if better else progress.stale + 1")
    writer.line(f"weights = weights_of({judged})")
    writer.line("tensors = state_of(nets, optimizer, epoch_loss)")
    with writer.block("if team.rank == 0:"):
        writer.line("bar.end_epoch(entry)")
        writer.line("write_log(log, rows)")
        if run.tensorboard:
            with writer.block("for name, value in entry.items():"):
                writer.line("board.add_scalar(name, float(value), epoch + 1)")
            writer.line("board.flush()")
        with writer.block("if better:"):
            writer.line('write_whole(options.out / "best.safetensors", save(weights))')
        writer.line("save_checkpoint(last, tensors, progress, identity)")


def _finish(writer: Writer, plan: Plan) -> None:
    expect = plan.recipe.expect
    parameters = "folder: Path, progress: Progress, labels: np.ndarray, team: Team"
    if plan.overlap:
        parameters = "folder: Path, progress: Progress, team: Team"
    with writer.block(f"def finish({parameters}) -> int:"):
        writer.doc("The best epoch, and whether its result is as expected.")
        writer.line("best = progress.best")
        writer.line(f"result = {shown(plan, 'best')}")
        ok = put_checked(writer, plan)
        with writer.block("if team.rank == 0:"):
            writer.line('print(f"best: epoch {progress.epoch}, {result}")')
            put_baseline(writer, plan, "labels")
            writer.line(f'about = {{**asdict(progress), "ok": {ok}}}')
            writer.line('write_whole(folder / "result.json", json.dumps(about).encode())')
            if plan.recipe.run.onnx:
                writer.line("export_onnx(folder)")
        put_missed(writer, expect, "team.rank == 0 and not ok")
        writer.line("return 0" if ok == "True" else "return 0 if ok else 1")


def _export(writer: Writer, plan: Plan) -> None:
    if not plan.recipe.run.onnx:
        return
    with writer.block("def export_onnx(folder: Path) -> None:"):
        writer.doc("The best weights as model.onnx, for any number of images.")
        writer.line(f"net = {plan.model}()")
        writer.line('net.load_state_dict(load_file(folder / "best.safetensors"))')
        writer.line("images = torch.zeros(2, *INPUT)")
        named: dict[str, Any] = {
            "input_names": listed([string(plan.input_name)]),
            "output_names": listed([string(output.label) for output in plan.network.outputs]),
            "dynamic_shapes": '({0: "batch"},)',
            "dynamo": True,
            "external_data": False,
            "verbose": False,
        }
        path = 'folder / "model.onnx"'
        writer.put("", call("torch.onnx.export", "net.eval()", "(images,)", path, **named))


def put_run(writer: Writer, ending: Sequence[str] = ()) -> None:
    """Writes the code that runs when the file is executed; `ending` are the lines that always run at the
    end."""
    with writer.block('if __name__ == "__main__":'):
        with writer.block("try:"):
            writer.line("sys.exit(main())")
        with writer.block("except Refused as refused:"):
            writer.line('print(f"train.py: {printable(str(refused))}", file=sys.stderr)')
            writer.line("sys.exit(2)")
        with writer.block("except KeyboardInterrupt:"):
            writer.line('print("\\nstopped; --resume goes on from the last checkpoint", file=sys.stderr)')
            writer.line("sys.exit(130)")
        if ending:
            with writer.block("finally:"):
                for line in ending:
                    writer.line(line)
