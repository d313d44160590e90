"""One pass through a network, and how weights start."""

import numpy as np


class Net:
    """A place in the network, in one pass through it: net["body"]["conv1"] is the place
    body.conv1.

    A layer reads its weights here, under their names in the state_dict, and keeps what
    its backward pass needs; that adds the gradients. All places of a pass share these:

    params    every weight by its name, "body.conv1.weight"; only `init` writes to it
    trained   the weights that have a gradient
    kept      what forward kept for backward; None: there is no backward pass
    grads     the gradient of each weight; of a weight that is used twice, the sum
    stats     the new running statistics
    trace     called with the name and the output (N, C, H, W) of each layer
    """

    def __init__(self, params, training=False, keep=False, rng=None, masks=None, trace=None, draw=None):
        self.at, self.fixed = "", False
        self.params, self.training, self.trace, self.draw = params, training, trace, draw
        self.kept = {} if keep else None
        self.trained, self.grads, self.stats = {}, {}, {}
        self.rng = rng or np.random.default_rng()
        self.masks = masks or {}

    def __getitem__(self, name):
        """The place one level down."""
        return self.go(f"{self.at}{name}.")

    def go(self, at, fixed=False):
        """The place with this full name, which ends in a dot."""
        there = object.__new__(Net)
        there.__dict__.update(self.__dict__, at=at, fixed=fixed, training=self.training and not fixed)
        return there

    def frozen(self):
        """The same place, with weights and running statistics that stay as they are."""
        return self.go(self.at, fixed=True)

    def weight(self, name, shape, start):
        """The layer's weight of that name; trained unless the place is frozen."""
        value = self.param(name, shape, start)
        if not self.fixed:
            self.trained[self.at + name] = value
        return value

    def buffer(self, name, shape, start):
        """Running statistics: the newest values. They have no gradient."""
        return self.stats.get(self.at + name, self.param(name, shape, start))

    def update(self, name, value):
        """The new numbers of a buffer."""
        self.stats[self.at + name] = np.asarray(value)

    def param(self, name, shape, start):
        """The layer's entry of `params`; `init` draws it here, of type `draw`."""
        if self.draw is not None and self.at + name not in self.params:
            self.params[self.at + name] = start(self.rng, shape, self.draw)
        return self.params[self.at + name]

    def out(self, y):
        """The layer's output, given to `trace`."""
        if self.trace is not None:
            self.trace(self.at[:-1], np.moveaxis(y, -1, 1))
        return y

    def keep(self, *values):
        """Keeps what backward needs."""
        if self.kept is not None:
            self.kept.setdefault(self.at, []).append(values)

    def take(self):
        """What forward kept here; if the place is used several times, the last use comes first."""
        assert self.kept is not None, "this pass kept nothing for backward"
        return self.kept[self.at].pop()

    def gradient(self, name, value):
        """Adds to the loss's gradient with respect to a weight, one part per use."""
        key = self.at + name
        self.grads[key] = self.grads[key] + value if key in self.grads else value


def filled(net, *gradients):
    """The gradients of the outputs of a block or a loop; of an output that is not used, zeros."""
    return [
        np.zeros_like(y) if isinstance(dy, int) else dy for dy, y in zip(gradients, net.take(), strict=True)
    ]


def inside(x):
    """(N, C, H, W) as (N, H, W, C)."""
    return np.ascontiguousarray(np.moveaxis(x, 1, -1))


def outside(x):
    """(N, H, W, C) as (N, C, H, W)."""
    return np.ascontiguousarray(np.moveaxis(x, -1, 1))


def total(x):
    """Σ over all images and positions, for each channel."""
    rows = x.reshape(x.size // x.shape[-1], x.shape[-1])
    return np.ones(len(rows), x.dtype) @ rows


def uniform(bound):
    """Starts as U(−bound, bound)."""
    return lambda rng, shape, dtype: (rng.random(shape, dtype) - dtype(0.5)) * dtype(2 * bound)


def normal(std, mean=0):
    """Starts as N(mean, std²)."""
    return lambda rng, shape, dtype: rng.standard_normal(shape, dtype) * dtype(std) + dtype(mean)


def truncated(std):
    """Starts as N(0, std²), drawn again beyond 2·std."""

    def start(rng, shape, dtype):
        x = rng.standard_normal(shape, dtype)
        while (far := abs(x) > 2).any():
            x[far] = rng.standard_normal(far.sum(), dtype)
        return x * dtype(std)

    return start


def constant(value):
    """Starts as the same number everywhere."""
    return lambda rng, shape, dtype: np.full(shape, value, dtype)


def signs(rng, shape, dtype):
    """Starts as +1 or −1, with equal chances."""
    return rng.choice([-1.0, 1.0], shape).astype(dtype)


def literal(*numbers, shape):
    """Starts as these numbers; one plane is used for every filter and channel."""
    return lambda rng, whole, dtype: np.full(whole, np.reshape(numbers, shape), dtype)


def he(rng, shape, dtype):
    """Starts as N(0, 2/fan_in); a filter reads fan_in numbers (He et al., 2015)."""
    return rng.standard_normal(shape, dtype) * dtype(np.sqrt(2 / np.prod(shape[1:])))


def he_fan_out(rng, shape, dtype):
    """Starts as N(0, 2/fan_out); an input is used by fan_out weights (He et al., 2015)."""
    return rng.standard_normal(shape, dtype) * dtype(np.sqrt(2 / (shape[0] * np.prod(shape[2:]))))


def xavier(rng, shape, dtype):
    """Starts as U(±√(6/(fan_in + fan_out))) (Glorot and Bengio, 2010)."""
    bound = np.sqrt(6 / ((shape[0] + shape[1]) * np.prod(shape[2:])))
    return (rng.random(shape, dtype) - dtype(0.5)) * dtype(2 * bound)


def bilinear_filters(rng, shape, dtype):
    """Filter k starts as bilinear interpolation of channel k (Long et al., 2015)."""
    weight = np.tile(np.eye(shape[1]), (shape[0] // shape[1], 1))
    for F in shape[2:]:
        weight = np.multiply.outer(weight, 1 - abs(np.arange(F) - (F - 1) / 2) / ((F + 1) // 2))
    return weight.astype(dtype)


def multiple(x, of):
    """The multiple of `of` nearest to x, at least 90 % of x (MobileNet's widths)."""
    near = max(of, int(x + of / 2) // of * of)
    return near + of if near < 0.9 * x else near
