"""The part of a training program that loads the images, and puts a batch of them together.

`typed` is whether the program has annotations: in torch, not in NumPy.
"""

from __future__ import annotations

from cnnspec.lower.names import string
from cnnspec.lower.writer import Group, Writer, call
from cnnspec.training.plan import Plan
from cnnspec.training.recipe import Data, Decoded, Digits, Folder, Maps, Npz, Table, Torchvision


def put_data(writer: Writer, plan: Plan, *, typed: bool) -> None:
    """`load_samples`, with the functions that decode an image and draw its part."""
    put_decode(writer, plan, typed=typed)
    result = f" -> tuple[{plan.samples}, {plan.samples}]" if typed else ""
    path = ("path: Path" if typed else "path") if plan.path else ""
    with writer.block(f"def load_samples({path}){result}:"):
        writer.doc("The images to train on, and those that are held out.")
        _begin(writer, plan)
        _read(writer, plan, "training", train=True)
        if plan.recipe.data.validation:
            split = "split_files" if isinstance(plan.recipe.data, Decoded) else "split"
            writer.line(f"training, held_out = {split}(training, HELD_OUT)")
        else:
            _read(writer, plan, "held_out", train=False)
        for name in ("training", "held_out"):
            _ready(writer, plan, name)
        if isinstance(plan.recipe.data, Npz) and not plan.recipe.data.validation:
            writer.line("check_alike(training, held_out)")
        writer.line("return training, held_out")


def put_held_out(writer: Writer, plan: Plan) -> None:
    """`load_held_out`: what `load_samples` gives, without the images to train on where that is possible."""
    data = plan.recipe.data
    put_decode(writer, plan, typed=False)
    with writer.block("def load_held_out(path):"):
        writer.doc("The images that are held out, with their labels.")
        _begin(writer, plan)
        _read(writer, plan, "held_out", train=bool(data.validation))
        if data.validation:
            split = "split_files" if isinstance(data, Decoded) else "split"
            writer.line(f"_, held_out = {split}(held_out, HELD_OUT)")
        _ready(writer, plan, "held_out")
        writer.line("return held_out")


def _begin(writer: Writer, plan: Plan) -> None:
    data = plan.recipe.data
    if isinstance(data, Torchvision):
        writer.line(f"from torchvision.datasets import {data.name}")
        writer.gap(1)
    if isinstance(data, Folder):
        classes = "CLASSES" if plan.classes else 0
        writer.line(f"names = class_names(path / {string(data.train)}, {classes})")


def _read(writer: Writer, plan: Plan, name: str, *, train: bool) -> None:
    """`name = ...`: the images of a split; of files only where they are."""
    data = plan.recipe.data
    match data:
        case Digits():
            read = call("mnist_digits")
        case Npz():
            images, labels = (data.images, data.labels) if train else (data.test_images, data.test_labels)
            read = call("npz_arrays", "path", string(images), string(labels), "INPUT")
        case Torchvision():
            read = call("torchvision_set", data.name, "path", train, data.download)
        case Folder():
            read = call("class_files", f"path / {_split(data, train)}", "names")
        case Table():
            classes = "CLASSES" if plan.classes else 0
            columns = string(data.image), string(data.label), classes
            read = call("table_files", "path", _split(data, train), *columns)
        case _:
            folders = f"path / {_split(data, train)}", string(data.images), string(data.labels)
            read = call("paired", *folders, "decode", "decode_map")
    if isinstance(data, Decoded | Maps) or (data.fit == "exact" and not plan.maps):
        writer.put(f"{name} = ", read)
        return
    writer.put("images, labels = ", read)
    _fit(writer, plan)
    writer.line(f"{name} = Samples(images, labels)")


def _split(data: Folder | Table | Maps, train: bool) -> str:
    return string(data.train if train else data.test)


def _fit(writer: Writer, plan: Plan) -> None:
    """The images, and the label maps that are as large, in the size of the input."""
    fit = plan.recipe.data.fit
    if plan.maps:
        output = ", OUTPUT" if plan.judged.middle and fit == "exact" and not plan.maps_move else ""
        writer.line(f"check_maps(images, labels{output})")
    if fit == "exact":
        return
    function = {"pad": "padded", "mirror": "mirrored", "resize": "resized"}[fit]
    writer.line(f"images = {function}(images, INPUT[1:])")
    if plan.maps:
        fill = f", {filled}" if fit == "pad" and (filled := _fill(plan)) else ""
        function = "resized_maps" if fit == "resize" else function
        writer.line(f"labels = {function}(labels, INPUT[1:]{fill})")


def _fill(plan: Plan) -> int:
    """The label for pixels outside an image."""
    return plan.ignored or 0


def _ready(writer: Writer, plan: Plan, name: str) -> None:
    """Decoded images, checked; label maps are cut as the output is, here or after they moved."""
    data = plan.recipe.data
    if isinstance(data, Decoded):
        if plan.streams:
            return
        writer.line(f"{name} = in_memory({name}, decode)")
    wide = "LABEL" if plan.label else "()"
    if plan.judged.middle and plan.maps_move and name == "training":
        wide = "(LABEL[0], *INPUT[1:])" if plan.judged.loss.kind in ("bce", "mse") else "INPUT[1:]"
    elif plan.judged.middle:
        writer.line(f"{name} = Samples({name}.images, middle({name}.labels, OUTPUT))")
    ignored = [] if plan.ignored is None else [plan.ignored]
    classes = "CLASSES" if plan.classes else 0
    writer.put(f"{name} = ", call("checked", name, "INPUT", wide, classes, *ignored))
    if not plan.classes and plan.judged.loss.kind != "mse":
        writer.line(f"check_shares({name}.labels)")


def put_decode(writer: Writer, plan: Plan, *, typed: bool) -> None:
    """`decode`, `decode_map` and `windows`, for data that are files."""
    data, augment = plan.recipe.data, plan.recipe.augment
    if not isinstance(data, Decoded | Maps):
        return
    if isinstance(data, Maps):
        _decode_map(writer, plan, data, typed)
        writer.gap(2)
    table = isinstance(data, Table)
    one = "row" if table else "path"
    parameters = [f"{one}: {'Row' if table else 'Path'}" if typed else one]
    if plan.streams:
        parameters.append("chance: list[float] | None = None" if typed else "chance=None")
    with writer.block(f"def decode({', '.join(parameters)}){' -> np.ndarray' if typed else ''}:"):
        doc = "An image file; with `chance`, a part that is drawn." if plan.windows else "An image file."
        writer.doc(doc)
        writer.gap(1)
        with writer.block(_part(typed)):
            if plan.windows:
                random = "area_part(width, height, AREA, chance)"
                if augment.side:
                    random = "scaled_part(width, height, INPUT, SIDES, chance)"
                with writer.block("if chance is not None:"):
                    writer.line(f"return {random}")
            _whole_part(writer, data, "SIDE" if getattr(data, "side", 0) else "min(INPUT[1:])")
        writer.gap(1)
        content = ", io.BytesIO(row.content())" if table else ""
        writer.line(f"return image_file({one}, INPUT, part{content})")
    writer.gap(2)
    if plan.windows:
        _windows(writer, plan, typed)
        writer.gap(2)


def _part(typed: bool) -> str:
    return "def part(width: int, height: int) -> Box:" if typed else "def part(width, height):"


def _whole_part(writer: Writer, data: Data, side: str) -> None:
    middle = f"placed_part(width, height, INPUT, {side})"
    writer.line(f"return {middle if data.fit == 'resize' else 'exact_part(width, height, INPUT)'}")


def _windows(writer: Writer, plan: Plan, typed: bool) -> None:
    parameters = "step: int, team: Team" if typed else "step"
    with writer.block(f"def windows({parameters}){' -> Iterator[np.ndarray]' if typed else ''}:"):
        writer.doc("For each step from this one, the numbers that say which parts of its images are shown.")
        with writer.block("for number in itertools.count(step):"):
            writer.line(f'chance = chances(BATCH * {plan.windows}, SEED, "part", number)')
            process = f"team.size, -1, {plan.windows})[team.rank]" if typed else f"BATCH, {plan.windows})"
            writer.line(f"yield chance.reshape({process}")


def _decode_map(writer: Writer, plan: Plan, data: Maps, typed: bool) -> None:
    header = "def decode_map(path: Path) -> np.ndarray:" if typed else "def decode_map(path):"
    with writer.block(header):
        writer.doc("The label map of an image." if plan.classes else "Where the label map is not 0.")
        writer.gap(1)
        with writer.block(_part(typed)):
            _whole_part(writer, data, "min(INPUT[1:])")
        writer.gap(1)
        labels = "map_file(path, INPUT, part)"
        writer.line(f"return {labels if plan.classes else f'({labels} > 0).astype(int)'}")


def put_prepared(writer: Writer, plan: Plan) -> None:
    """`prepared` with tensors."""
    data = plan.recipe.data
    writer.line("def prepared(")
    writer.line("    images: np.ndarray, labels: np.ndarray, device: torch.device")
    with writer.block(") -> tuple[Tensor, Tensor]:"):
        writer.doc("The network's input for these images, and their labels.")
        if isinstance(data, Npz):
            writer.line("x = on_device(images, device)")
            with writer.block("if x.dtype == torch.uint8:"):
                writer.line("x = x / 255")
        else:
            writer.line("x = on_device(images, device) / 255")
        axes = ", ".join(["-1", *["1"] * plan.axes])
        for constant, sign in (("MEAN", "-"), ("STD", "/")):
            if getattr(data, constant.lower()):
                numbers = f"on_device(np.array({constant}, np.float32), device)"
                writer.line(f"x = x {sign} {numbers}.view({axes})")
        if plan.recipe.run.channels_last:
            writer.line(f"x = x.contiguous(memory_format={plan.memory_format})")
        writer.line("return x, on_device(labels, device)")


def put_augmented(writer: Writer, plan: Plan, parameters: str, result: str = "") -> None:
    """`augmented`: each change takes the next columns of `chance`, and the label maps the same ones."""
    augment, maps = plan.recipe.augment, plan.maps_move
    classes = plan.judged.loss.kind in ("cross_entropy", "dice")
    used = 0

    def columns(count: int, *, single: bool = True) -> str:
        nonlocal used
        used += count
        one = count == 1 and single
        return f"chance[:, {used - 1}]" if one else f"chance[:, {used - count}:{used}]"

    def put(change: str, more: str = "", more_of_maps: str | None = None) -> None:
        writer.line(f"images = {change}(images, {more})")
        if maps:
            writer.line(f"maps = {change}(maps, {more if more_of_maps is None else more_of_maps})")

    writer.put("def augmented(", Group("", tuple(parameters.split(", ")), ""), f"){result}:")
    with writer.indented():
        doc = "Images and label maps, changed alike" if maps else "Changed images"
        writer.doc(f"{doc}; `chance` has a row of numbers from 0 to 1 for each.")
        if maps:
            shape = "labels[:, None]" if classes else "labels.reshape(len(labels), -1, *INPUT[1:])"
            writer.line(f"maps = {shape}")
        if augment.flip:
            put("flipped", columns(1))
        if augment.flip_vertical:
            put("flipped", f"{columns(1)}, -2")
        if augment.crop:
            offsets = f"{columns(plan.axes, single=False)}, CROP"
            put("shifted", offsets, f"{offsets}, {fill}" if (fill := _fill(plan)) else None)
        if augment.rotate or augment.elastic:
            angles = f"(2 * {columns(1)} - 1) * ROTATE" if augment.rotate else "0 * chance[:, 0]"
            writer.line(f"places = rotated_places({angles}, *INPUT[1:])")
            if augment.elastic:
                writer.line(f"places = places + elastic_shifts({columns(18)}, ELASTIC, *INPUT[1:])")
            put("warped", "places", 'places, "nearest"' if plan.judged.loss.kind != "mse" else None)
        if augment.erase:
            writer.line(f"images = erased(images, {columns(1 + plan.axes)}, ERASE)")
        if maps:
            labels = "maps[:, 0]" if classes else "maps"
            writer.line(
                f"return images, middle({labels}, OUTPUT)"
                if plan.judged.middle
                else f"return images, {labels}"
            )
        else:
            writer.line("return images")
