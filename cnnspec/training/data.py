"""The part of a training program that loads the images and assembles batches."""

from __future__ import annotations

from cnnspec.lower.names import string
from cnnspec.lower.writer import Group, Writer, call
from cnnspec.training.plan import Plan
from cnnspec.training.recipe import Decoded, Digits, Folder, Maps, Npz, Table, Torchvision


def put_data(writer: Writer, plan: Plan) -> None:
    """Writes `load_samples` and `prepared`, and `augmented` if there is an augmentation."""
    _load(writer, plan)
    writer.gap(2)
    _prepared(writer, plan)
    writer.gap(2)
    if plan.chances:
        _augmented(writer, plan)
        writer.gap(2)


def _load(writer: Writer, plan: Plan) -> None:
    data = plan.recipe.data
    if isinstance(data, Decoded | Maps):
        _decode(writer, plan, data)
        writer.gap(2)
    with writer.block(f"def load_samples(path: Path) -> tuple[{plan.samples}, {plan.samples}]:"):
        writer.doc("The images to train on, and those that are held out.")
        match data:
            case Folder() | Table():
                _files(writer, plan, data)
                return
            case Maps():
                _maps(writer, plan, data)
                return
            case Digits():
                writer.line("images, labels = mnist_digits()")
            case Npz():
                _arrays(writer, "images, labels = ", data.images, data.labels)
            case Torchvision():
                writer.line(f"from torchvision.datasets import {data.name}")
                writer.gap(1)
                _torchvision(writer, data, "images, labels = ", "True")
        if data.validation:
            _fitted(writer, plan, "images", "labels")
            writer.line("training, held_out = split(Samples(images, labels), HELD_OUT)")
            _result(writer, plan)
            return
        match data:
            case Npz():
                _arrays(writer, "held_images, held_labels = ", data.test_images, data.test_labels)
            case Torchvision():
                _torchvision(writer, data, "held_images, held_labels = ", "False")
        _fitted(writer, plan, "images", "labels")
        _fitted(writer, plan, "held_images", "held_labels")
        writer.line("training = Samples(images, labels)")
        writer.line("held_out = Samples(held_images, held_labels)")
        _result(writer, plan)


def _fitted(writer: Writer, plan: Plan, images: str, labels: str) -> None:
    """Brings the images, and label maps of the same size, to the size of the input."""
    fit = plan.recipe.data.fit
    if plan.maps:
        output = ", OUTPUT" if plan.judged.middle and fit == "exact" and not plan.maps_move else ""
        writer.line(f"check_maps({images}, {labels}{output})")
    if fit == "exact":
        return
    function = {"pad": "padded", "mirror": "mirrored", "resize": "resized"}[fit]
    writer.line(f"{images} = {function}({images}, *INPUT[1:])")
    if plan.maps:
        fill = f", {filled}" if fit == "pad" and (filled := _fill(plan)) else ""
        function = "resized_maps" if fit == "resize" else function
        writer.line(f"{labels} = {function}({labels}, *INPUT[1:]{fill})")


def _fill(plan: Plan) -> int:
    """The label for pixels outside an image."""
    return plan.ignored or 0


def _result(writer: Writer, plan: Plan) -> None:
    """Returns the samples from `load_samples`. Label maps are cropped as the output is, here or after
    augmentation."""
    if not plan.judged.middle:
        writer.line("return training, held_out")
        return
    pairs = [("held_out", "held_out")] if plan.maps_move else [(one, one) for one in ("training", "held_out")]
    for name, samples in pairs:
        writer.line(f"{name} = Samples({samples}.images, middle({samples}.labels, *OUTPUT))")
    writer.line("return training, held_out")


def _arrays(writer: Writer, before: str, images: str, labels: str) -> None:
    writer.put(before, call("npz_arrays", "path", string(images), string(labels), "INPUT[0]"))


def _maps(writer: Writer, plan: Plan, data: Maps) -> None:
    """Images and label maps, both in the size of the input."""

    def pairs(split: str) -> Group:
        folders = f"path / {string(split)}", string(data.images), string(data.labels)
        return call("paired", *folders, "decode", "decode_map")

    writer.put("training = ", pairs(data.train))
    if data.validation:
        writer.line("training, held_out = split(training, HELD_OUT)")
    else:
        writer.put("held_out = ", pairs(data.test))
    _result(writer, plan)


def _files(writer: Writer, plan: Plan, data: Folder | Table) -> None:
    """Lists of image files, which are decoded here or, with `streams`, when they are needed."""
    classes = "CLASSES" if plan.classes else 0
    splits = [string(data.train), string(data.test)]
    if isinstance(data, Folder):
        writer.line(f"names = class_names(path / {splits[0]}, {classes})")
        files = [call("class_files", f"path / {split}", "names") for split in splits]
    else:
        columns = string(data.image), string(data.label), classes
        files = [call("table_files", "path", split, *columns) for split in splits]
    writer.put("training = ", files[0])
    if data.validation:
        writer.line("training, held_out = split_files(training, HELD_OUT)")
    else:
        writer.put("held_out = ", files[1])
    if plan.streams:
        writer.line("return training, held_out")
    else:
        writer.line("return in_memory(training, decode), in_memory(held_out, decode)")


def _decode(writer: Writer, plan: Plan, data: Decoded | Maps) -> None:
    """Writes `decode`, and `windows` where a random part of each training image is used."""
    augment = plan.recipe.augment
    chance = ", chance: list[float] | None = None" if plan.streams else ""
    table = isinstance(data, Table)
    if isinstance(data, Maps):
        _decode_map(writer, plan, data)
        writer.gap(2)
    with writer.block(f"def decode({'row: Row' if table else 'path: Path'}{chance}) -> Tensor:"):
        writer.doc(
            "An image file; with `chance`, a part that is drawn." if plan.windows else "An image file."
        )
        writer.gap(1)
        with writer.block("def part(width: int, height: int) -> Box:"):
            if plan.windows:
                random = "area_part(width, height, AREA, chance)"
                if augment.side:
                    random = "scaled_part(width, height, INPUT, SIDES, chance)"
                with writer.block("if chance is not None:"):
                    writer.line(f"return {random}")
            side = "SIDE" if getattr(data, "side", 0) else "min(INPUT[1:])"
            middle = f"placed_part(width, height, INPUT, {side})"
            writer.line(f"return {middle if data.fit == 'resize' else 'exact_part(width, height, INPUT)'}")
        writer.gap(1)
        if table:
            writer.line("return image_file(row, INPUT, part, io.BytesIO(row.content()))")
        else:
            writer.line("return image_file(path, INPUT, part)")
    if plan.windows:
        writer.gap(2)
        with writer.block("def windows(step: int, team: Team) -> Iterator[Tensor]:"):
            writer.doc(
                "For each step from this one, the numbers that say which parts of its images are shown."
            )
            with writer.block("for number in itertools.count(step):"):
                writer.line(f'chance = chances(BATCH * {plan.windows}, SEED, "part", number)')
                writer.line("yield chance.view(BATCH, -1).chunk(team.size)[team.rank]")


def _torchvision(writer: Writer, data: Torchvision, before: str, train: str) -> None:
    writer.put(before, call("torchvision_set", data.name, "path", train, data.download))


def _decode_map(writer: Writer, plan: Plan, data: Maps) -> None:
    with writer.block("def decode_map(path: Path) -> Tensor:"):
        writer.doc("The label map of an image." if plan.classes else "Where the label map is not 0.")
        writer.gap(1)
        with writer.block("def part(width: int, height: int) -> Box:"):
            part = "placed_part(width, height, INPUT, min(INPUT[1:]))"
            writer.line(f"return {part if data.fit == 'resize' else 'exact_part(width, height, INPUT)'}")
        writer.gap(1)
        labels = "map_file(path, INPUT, part)"
        writer.line(f"return {labels if plan.classes else f'({labels} > 0).long()'}")


def _prepared(writer: Writer, plan: Plan) -> None:
    recipe = plan.recipe
    writer.line("def prepared(")
    writer.line("    images: Tensor, labels: Tensor, device: torch.device")
    with writer.block(") -> tuple[Tensor, Tensor]:"):
        writer.doc("The network's input for these images, and their labels.")
        writer.line("images = images.to(device)")
        if isinstance(recipe.data, Npz):
            with writer.block("if images.dtype == torch.uint8:"):
                writer.line("images = images / 255")
        else:
            writer.line("images = images / 255")
        for constant, sign in (("MEAN", "-"), ("STD", "/")):
            if getattr(recipe.data, constant.lower()):
                writer.line(f"{constant.lower()} = torch.tensor({constant}, device=device).view(-1, 1, 1)")
                writer.line(f"images = images {sign} {constant.lower()}")
        if recipe.run.channels_last:
            writer.line("images = images.contiguous(memory_format=torch.channels_last)")
        writer.line("return images, labels.to(device)")


def _augmented(writer: Writer, plan: Plan) -> None:
    """Writes `augmented`: each change takes the next columns of `chance`, and the label maps use the same
    ones."""
    augment, maps = plan.recipe.augment, plan.maps_move
    parameters = (
        "images: Tensor, labels: Tensor, chance: Tensor" if maps else "images: Tensor, chance: Tensor"
    )
    result = "tuple[Tensor, Tensor]" if maps else "Tensor"
    classes = plan.judged.loss.kind in ("cross_entropy", "dice")
    used = 0

    def columns(count: int) -> str:
        nonlocal used
        used += count
        return f"chance[:, {used - 1}]" if count == 1 else f"chance[:, {used - count}:{used}]"

    def put(change: str, more: str = "", more_of_maps: str | None = None) -> None:
        writer.line(f"images = {change}(images, {more})")
        if maps:
            writer.line(f"maps = {change}(maps, {more if more_of_maps is None else more_of_maps})")

    writer.put("def augmented(", Group("", tuple(parameters.split(", ")), ""), f") -> {result}:")
    with writer.indented():
        what = "Images and label maps, changed alike" if maps else "Changed images"
        writer.doc(f"{what}; `chance` has a row of numbers from 0 to 1 for each.")
        if maps:
            shape = "labels[:, None]" if classes else "labels.reshape(len(labels), -1, *INPUT[1:])"
            writer.line(f"maps = {shape}")
        if augment.flip:
            put("flipped", columns(1))
        if augment.flip_vertical:
            put("flipped", f"{columns(1)}, -2")
        if augment.crop:
            offsets = f"{columns(2)}, CROP"
            put("shifted", offsets, f"{offsets}, {fill}" if (fill := _fill(plan)) else None)
        if augment.rotate or augment.elastic:
            angles = f"(2 * {columns(1)} - 1) * ROTATE" if augment.rotate else "0 * chance[:, 0]"
            writer.line(f"places = rotated_places({angles}, *INPUT[1:])")
            if augment.elastic:
                writer.line(f"places = places + elastic_shifts({columns(18)}, ELASTIC, *INPUT[1:])")
            put("warped", "places", 'places, "nearest"' if plan.judged.loss.kind != "mse" else None)
        if augment.erase:
            writer.line(f"images = erased(images, {columns(3)}, ERASE)")
        if maps:
            labels = "maps[:, 0]" if classes else "maps"
            writer.line(
                f"return images, middle({labels}, *OUTPUT)"
                if plan.judged.middle
                else f"return images, {labels}"
            )
        else:
            writer.line("return images")
