"""GoogLeNet: Going Deeper with Convolutions, Szegedy et al., CVPR 2015

init() draws the weights, forward() runs the network, loss_and_grads() and backward()
compute the gradients, step() updates the weights. Inputs and outputs are arrays of shape
(N, C, H, W), as in PyTorch; inside, the channels are last, (N, H, W, C). The names and
layouts of the weights are those of PyTorch's state_dict. One number for S, P, F and the
like is that of rows and columns.
"""

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


def constant(value):
    """Starts as the same number everywhere."""
    return lambda rng, shape, dtype: np.full(shape, value, dtype)


def spatial(x):
    """The axes of the positions: of (N, H, W, C) these are (1, 2)."""
    return tuple(range(1, x.ndim - 1))


def per_axis(x, *sizes):
    """Each size as one number for each axis of x's maps: for images, 3 means (3, 3)."""
    return [size if isinstance(size, tuple) else (size,) * (x.ndim - 2) for size in sizes]


def ends(x, P):
    """Padding before and after, along each axis: for images, 1 means ((1, 1), (1, 1))."""
    return tuple(one if isinstance(one, tuple) else (one, one) for one in per_axis(x, P)[0])


def padded(x, P, value=0):
    """The map with P rows and columns of `value` around it."""
    if not any(map(any, P)):
        return x
    return np.pad(x, ((0, 0), *P, (0, 0)), constant_values=value)


def within(wide, P, size):
    """The map of this size that has P rows and columns around it."""
    return wide[:, *(slice(before, before + N) for (before, _), N in zip(P, size, strict=True))]


def windows(x, F, S, D):
    """The numbers under the filter at each position: (N, H', W', F, F, C), a view."""
    reach = tuple(d * (f - 1) + 1 for f, d in zip(F, D, strict=True))
    seen = np.lib.stride_tricks.sliding_window_view(x, reach, axis=spatial(x))
    seen = seen[:, *(np.s_[::s] for s in S), :, *(np.s_[::d] for d in D)]
    return np.moveaxis(seen, x.ndim - 1, -1)


def blocks(y, numbers, most=2**20):
    """Blocks of images and rows of y for which about a million numbers are needed, which
    fit into the processor's cache; each position needs `numbers` of them."""
    row = numbers * int(np.prod(y.shape[2:-1]))
    images, step = max(1, most // (y.shape[1] * row)), max(1, most // row)
    for n in range(0, len(y), images):
        for i in range(0, y.shape[1], step):
            yield np.s_[n : n + images, i : i + step]


def taps(F, S, D, size):
    """Each tap (f, g) of the filter, and the part of the map that it reads at the `size` positions of the
    filter."""
    for tap in np.ndindex(*F):
        first = [d * f for d, f in zip(D, tap, strict=True)]
        steps = zip(first, S, size, strict=True)
        yield tap, np.s_[:, *(slice(i, i + s * (n - 1) + 1, s) for i, s, n in steps)]


def slide(x, weight, S, P, D):
    """Slides K filters over the maps:

        y[i, j, k] = Σ_(f, g, c) x[S·i + D·f − P, S·j + D·g − P, c] · w[k, c, f, g]

    The F·F·C numbers of a window are a row, those of a filter a column: the dot products
    of many windows with all K filters are one matrix product.
    """
    K, F = len(weight), weight.shape[2:]
    filters = np.moveaxis(weight, 1, -1).reshape(K, -1).T
    seen = windows(padded(x, P), F, S, D)
    y = np.empty((*seen.shape[: x.ndim - 1], K), x.dtype)
    for part in blocks(y, len(filters)):
        np.matmul(seen[part].reshape(-1, len(filters)), filters, out=y[part].reshape(-1, K))
    return y


def slide_to_weight(dy, x, weight, S, P, D):
    """A weight is used at every position of the filter; its gradient is the sum over all
    of them:

        dL/dw[k, c, f, g] = Σ_(n, i, j) dy[i, j, k] · x[S·i + D·f − P, S·j + D·g − P, c]
    """
    K, C, *F = weight.shape
    seen = windows(padded(x, P), F, S, D)
    total = np.zeros((weight[0].size, K), dy.dtype)
    for part in blocks(dy, len(total)):
        total += seen[part].reshape(-1, len(total)).T @ dy[part].reshape(-1, K)
    return np.moveaxis(total.reshape(*F, C, K), (-1, -2), (0, 1))


def slide_to_input(dy, weight, size, S, P, D):
    """x[S·i + D·f − P, S·j + D·g − P] is in y[i, j] with the weights w[:, :, f, g]; its
    gradient is the sum over all such positions:

        dL/dx[S·i + D·f − P, S·j + D·g − P, c] += Σ_k dy[i, j, k] · w[k, c, f, g]

    Tap by tap: one matrix product, shifted. At stride 1 this is itself a convolution,
    of dy with the filters turned by 180° (slower where x has few channels).
    """
    (K, C, *F), (_, *positions, _) = weight.shape, dy.shape
    around = [
        (d * (f - 1) - before, N - n + before)
        for d, f, (before, _), N, n in zip(D, F, P, size, positions, strict=True)
    ]
    if max(S) == 1 < max(F) and 2 * C >= K and min(map(min, around)) >= 0:
        turned = np.flip(weight, range(2, weight.ndim)).swapaxes(0, 1)
        return slide(dy, turned, S, around, D)
    filters = np.ascontiguousarray(np.moveaxis(weight, (0, 1), (-2, -1)))
    wide = [before + N + max(after, 0) for (before, after), N in zip(P, size, strict=True)]
    dx = np.zeros((len(dy), *wide, C), dy.dtype)
    images = max(1, 2**18 // (int(np.prod(positions)) * max(C, K)))
    for n in range(0, len(dy), images):
        part, rows = dx[n : n + images], dy[n : n + images].reshape(-1, K)
        for tap, seen in taps(F, S, D, positions):
            part[seen] += (rows @ filters[tap]).reshape(len(part), *positions, C)
    return within(dx, P, size)


def conv(x, net, K, F, S=1, P=0, D=1, bias=True, start=None, start_bias=None):
    """Convolution: x (N, H, W, C) → y (N, H', W', K)

        H' = ⌊(H + 2P − D(F − 1) − 1)/S⌋ + 1      (F·F·C)·K weights and K biases

    Slide, dot product over the whole depth, add each filter's bias.
    """
    (F, S, D), P, C = per_axis(x, F, S, D), ends(x, P), x.shape[-1]
    first = uniform(1 / np.sqrt(C * np.prod(F)))
    weight = net.weight("weight", (K, C, *F), start or first)
    y = slide(x, weight, S, P, D)
    if bias:
        y += net.weight("bias", (K,), start_bias or first)
    net.keep(x, weight, S, P, D, bias)
    return net.out(y)


def conv_backward(dy, net):
    """dL/db = Σ dy, because the bias was added at every position; see slide_to_…"""
    x, weight, S, P, D, bias = net.take()
    if bias:
        net.gradient("bias", total(dy))
    net.gradient("weight", slide_to_weight(dy, x, weight, S, P, D))
    return slide_to_input(dy, weight, x.shape[1:-1], S, P, D)


def places(size, F, S, P, D, ceil=False):
    """How many windows fit along each axis, ⌊(N + 2P − D(F − 1) − 1)/S⌋ + 1, and the
    padding that they need. `ceil` rounds up if the last window starts before the end of
    the map."""
    counts, needed = [], []
    for N, f, s, (before, after), d in zip(size, F, S, P, D, strict=True):
        reach = d * (f - 1) + 1
        room = N + before + after - reach
        count = room // s + 1
        if ceil and room % s and count * s < N + before:
            count += 1
        counts.append(count)
        needed.append((before, max(after, (count - 1) * s + reach - N - before)))
    return tuple(counts), tuple(needed)


def over_windows(combine, x, F, S, D, size):
    """np.add or np.maximum over each window, along one axis after the other."""
    for axis, (f, s, d, n) in enumerate(zip(F, S, D, size, strict=True), 1):
        before = [slice(None)] * axis
        starts = range(0, d * f, d)
        first, *others = [x[*before, i : i + s * (n - 1) + 1 : s] for i in starts]
        x = first if not others else combine(first, others[0])
        for other in others[1:]:
            combine(x, other, out=x)
    return x


def maxpool(x, net, F, S=None, P=0, D=1, ceil=False):
    """The largest number of each window; the padding is −∞:

    y[i, j] = max_(f, g) x[S·i + D·f − P, S·j + D·g − P]
    H' = ⌊(H + 2P − D(F − 1) − 1)/S⌋ + 1
    """
    F, S, D = per_axis(x, F, S or F, D)
    size, P = places(x.shape[1:-1], F, S, ends(x, P), D, ceil)
    y = over_windows(np.maximum, padded(x, P, -np.inf), F, S, D, size)
    net.keep(x, y, F, S, P, D)
    return net.out(y)


def winners(x, y, F, S, D):
    """For each tap of a max pooling: the numbers that it reads, and the windows in which this is the largest
    number (of several equal ones the first, row by row)."""
    open_ = np.ones(y.shape, bool)
    for _, seen in taps(F, S, D, y.shape[1:-1]):
        wins = (x[seen] == y) & open_
        open_ &= ~wins
        yield seen, wins


def maxpool_backward(dy, net):
    """dy is the gradient of the largest number of the window; that of the others is 0."""
    x, y, F, S, P, D = net.take()
    wide = padded(x, P, -np.inf)
    dx = np.zeros(wide.shape, dy.dtype)
    for seen, wins in winners(wide, y, F, S, D):
        dx[seen] += dy * wins
    return within(dx, P, x.shape[1:-1])


def gap(x, net):
    """Global average pooling: the mean of each map, (N, H, W, C) → (N, 1, 1, C)."""
    net.keep(x.shape)
    return net.out(x.mean(spatial(x), keepdims=True))


def gap_backward(dy, net):
    """Each of the H·W numbers has its share in the mean: dx = dy/(H·W)."""
    (shape,) = net.take()
    return np.broadcast_to(dy / int(np.prod(shape[1:-1])), shape)


def product(x, y):
    """Σ x·y over all images and positions, for each channel."""
    C = x.shape[-1]
    return np.einsum("nc,nc->c", x.reshape(x.size // C, C), y.reshape(y.size // C, C))


def bn(x, net, eps=1e-5, momentum=0.1, affine=True, start=None):
    """Batch normalisation: y = w·(x − μ)/√(σ² + eps) + b, for each channel.

    In training μ and σ² are those of the batch, over all images and positions; they
    update the running statistics with weight `momentum` (σ² as an unbiased estimate),
    which are used in evaluation.
    """
    C = x.shape[-1]
    weight = net.weight("weight", (C,), start or constant(1)) if affine else np.ones(C, x.dtype)
    bias = net.weight("bias", (C,), constant(0)) if affine else np.zeros(C, x.dtype)
    mean = net.buffer("running_mean", (C,), constant(0))
    var = net.buffer("running_var", (C,), constant(1))
    batches = net.buffer("num_batches_tracked", (), lambda rng, shape, dtype: np.zeros(shape, np.int64))
    if net.training:
        n = x.size // C
        old_mean, old_var = mean, var
        mean = total(x) / n
        x = x - mean
        var = product(x, x) / n
        net.update("running_mean", (1 - momentum) * old_mean + momentum * mean)
        net.update("running_var", (1 - momentum) * old_var + momentum * var * (n / max(n - 1, 1)))
        net.update("num_batches_tracked", batches + 1)
        mean = np.zeros_like(mean)  # x is centred now
    inverse = 1 / np.sqrt(var + eps)
    y = x * (weight * inverse)
    y += bias - mean * weight * inverse
    net.keep(x, mean, inverse, weight, affine, net.training)
    return net.out(y)


def bn_backward(dy, net):
    """With x̂ = (x − μ)/√(σ² + eps): dL/dw = Σ dy·x̂, dL/db = Σ dy.

    y depends on x directly and, in training, also through μ and σ²:

        dx = w/√(σ² + eps) · (dy − mean(dy) − x̂·mean(dy·x̂))
    """
    x, mean, inverse, weight, affine, training = net.take()
    dbias = total(dy)
    dweight = (product(dy, x) - mean * dbias) * inverse
    if affine:
        net.gradient("weight", dweight)
        net.gradient("bias", dbias)
    scale = weight * inverse
    if not training:
        return dy * scale
    n = x.size // x.shape[-1]
    dx = x * (-scale * inverse * dweight / n)
    dx += dy * scale
    dx -= scale * dbias / n
    return dx


def relu(x, net):
    """max(x, 0)"""
    y = np.maximum(x, 0)
    net.keep(y)
    return net.out(y)


def relu_backward(dy, net):
    """f'(x) is 1 where x > 0, else 0."""
    (y,) = net.take()
    return dy * (y > 0)


def fc(x, net, K, bias=True, start=None, start_bias=None):
    """Fully connected: y = W·x + b, with C·K weights and K biases."""
    C = x.shape[-1]
    first = uniform(1 / np.sqrt(C))
    weight = net.weight("weight", (K, C), start or first)
    rows = x.reshape(len(x), C)
    y = rows @ weight.T
    if bias:
        y += net.weight("bias", (K,), start_bias or first)
    net.keep(rows, weight, x.shape, bias)
    return net.out(y)


def fc_backward(dy, net):
    """dL/dW = dyᵀ·x, dL/db = Σ dy, dL/dx = dy·W."""
    rows, weight, shape, bias = net.take()
    if bias:
        net.gradient("bias", dy.sum(0))
    net.gradient("weight", dy.T @ rows)
    return (dy @ weight).reshape(shape)


def dropped(x, net, p, shape):
    """In training x times a mask of this shape: 0 with probability p, else 1/(1 − p). A
    mask given for this place (1: keep) replaces the random one."""
    mask = None
    if net.training:
        mask = net.masks.get(net.at[:-1])
        if mask is None:
            mask = net.rng.random(shape) >= p
        elif len(shape) == np.ndim(mask) > 1:
            mask = np.moveaxis(mask, 1, -1)
        mask = np.reshape(mask, shape).astype(bool).astype(x.dtype) * (1 / (1 - p) if p < 1 else 0)
    net.keep(mask)
    return net.out(x if mask is None else x * mask)


def dropout(x, net, p=0.5, maps=False):
    """Each number (`maps`: each map) is 0 with probability p in training; a mask is
    (N, C, H, W), for maps (N, C, 1, 1)."""
    return dropped(x, net, p, (len(x), *[1] * (x.ndim - 2), x.shape[-1]) if maps else x.shape)


def dropout_backward(dy, net):
    """The same mask applies to the gradient."""
    (mask,) = net.take()
    return dy if mask is None else dy * mask


def concat(net, *xs):
    """The maps of the branches, stacked along the channels."""
    net.keep(np.cumsum([x.shape[-1] for x in xs[:-1]]))
    return net.out(np.concatenate(xs, axis=-1))


def concat_backward(dy, net):
    """Each branch gets the part of dy that belongs to its maps."""
    (ends,) = net.take()
    return np.split(dy, ends, axis=-1)


def cross_entropy(y, labels):
    """−mean ln softmax(y)[label]; its gradient (softmax(y) − [1 at the label])/N."""
    z = y - y.max(1, keepdims=True)
    z -= np.log(np.exp(z).sum(1, keepdims=True))
    rows = np.arange(len(y))
    dy = np.exp(z)
    dy[rows, labels] -= 1
    return float(-z[rows, labels].mean()), dy / len(y)


def unit(x, net, K, F=1, S=1, P=0):
    """The block unit, first used for 3x224x224 -> 64x112x112."""
    x = conv(x, net["conv"], K=K, F=F, S=S, P=P, bias=False, start=normal(0.01))
    x = bn(x, net["bn"], eps=0.001)
    x = relu(x, net["relu"])
    return x


def unit_backward(dx, net):
    """The chain rule, from the last step to the first."""
    dx = relu_backward(dx, net["relu"])
    dx = bn_backward(dx, net["bn"])
    dx = conv_backward(dx, net["conv"])
    return dx


def inception(x, net, one, three_in, three, five_in, five, pool):
    """The block inception, first used for 192x28x28 -> 256x28x28."""
    a = unit(x, net["unit1"], K=one)
    b = unit(x, net["unit2"], K=three_in)
    b = unit(b, net["unit3"], K=three, F=3, P=1)
    d = unit(x, net["unit4"], K=five_in)
    d = unit(d, net["unit5"], K=five, F=3, P=1)
    x = maxpool(x, net["maxpool"], F=3, S=1, P=1, ceil=True)
    x = unit(x, net["unit6"], K=pool)
    x = concat(net["concat"], a, b, d, x)
    return x


def inception_backward(dx, net):
    """The chain rule, from the last step to the first."""
    da, db, dd, dx = concat_backward(dx, net["concat"])
    dx = unit_backward(dx, net["unit6"])
    dx = maxpool_backward(dx, net["maxpool"])
    dd = unit_backward(dd, net["unit5"])
    dx = dx + unit_backward(dd, net["unit4"])
    db = unit_backward(db, net["unit3"])
    dx = dx + unit_backward(db, net["unit2"])
    dx = dx + unit_backward(da, net["unit1"])
    return dx


def network(x, net):
    """The network."""
    x = unit(x, net["unit1"], K=64, F=7, S=2, P=3)  # 64x112x112
    x = maxpool(x, net["maxpool1"], F=3, S=2, ceil=True)  # 64x56x56
    x = unit(x, net["unit2"], K=64)  # 64x56x56
    x = unit(x, net["unit3"], K=192, F=3, P=1)  # 192x56x56
    x = maxpool(x, net["maxpool2"], F=3, S=2, ceil=True)  # 192x28x28
    x = inception(x, net["i3a"], one=64, three_in=96, three=128, five_in=16, five=32, pool=32)  # 256x28x28
    x = inception(x, net["i3b"]["inception"], one=128, three_in=128, three=192, five_in=32, five=96, pool=64)
    x = maxpool(x, net["i3b"]["maxpool"], F=3, S=2, ceil=True)  # 480x14x14
    x = inception(x, net["i4a"], one=192, three_in=96, three=208, five_in=16, five=48, pool=64)  # 512x14x14
    x = inception(x, net["i4b"], one=160, three_in=112, three=224, five_in=24, five=64, pool=64)  # 512x14x14
    x = inception(x, net["i4c"], one=128, three_in=128, three=256, five_in=24, five=64, pool=64)  # 512x14x14
    x = inception(x, net["i4d"], one=112, three_in=144, three=288, five_in=32, five=64, pool=64)  # 528x14x14
    x = inception(
        x, net["i4e"]["inception"], one=256, three_in=160, three=320, five_in=32, five=128, pool=128
    )  # 832x14x14
    x = maxpool(x, net["i4e"]["maxpool"], F=2, ceil=True)  # 832x7x7
    x = inception(x, net["i5a"], one=256, three_in=160, three=320, five_in=32, five=128, pool=128)  # 832x7x7
    x = inception(x, net["i5b"], one=384, three_in=192, three=384, five_in=48, five=128, pool=128)  # 1024x7x7
    x = gap(x, net["scores"]["gap"])  # 1024x1x1
    x = dropout(x, net["scores"]["dropout"], p=0.2)  # 1024x1x1
    x = fc(x, net["scores"]["fc"], 1000, start=normal(0.01), start_bias=constant(0))  # 1000
    return x


def network_backward(dx, net):
    """The chain rule, from the last step to the first."""
    dx = fc_backward(dx, net["scores"]["fc"])
    dx = dropout_backward(dx, net["scores"]["dropout"])
    dx = gap_backward(dx, net["scores"]["gap"])
    dx = inception_backward(dx, net["i5b"])
    dx = inception_backward(dx, net["i5a"])
    dx = maxpool_backward(dx, net["i4e"]["maxpool"])
    dx = inception_backward(dx, net["i4e"]["inception"])
    dx = inception_backward(dx, net["i4d"])
    dx = inception_backward(dx, net["i4c"])
    dx = inception_backward(dx, net["i4b"])
    dx = inception_backward(dx, net["i4a"])
    dx = maxpool_backward(dx, net["i3b"]["maxpool"])
    dx = inception_backward(dx, net["i3b"]["inception"])
    dx = inception_backward(dx, net["i3a"])
    dx = maxpool_backward(dx, net["maxpool2"])
    dx = unit_backward(dx, net["unit3"])
    dx = unit_backward(dx, net["unit2"])
    dx = maxpool_backward(dx, net["maxpool1"])
    dx = unit_backward(dx, net["unit1"])
    return dx


def init(seed=0, dtype=np.float32):
    """New weights. An empty batch runs through the network, and each layer draws its weights
    then, since the depth of its input is known."""
    net = Net({}, rng=np.random.default_rng(seed), draw=np.dtype(dtype).type)
    network(np.empty((0, 224, 224, 3), dtype), net)
    return net.params


def forward(params, x, training=False, rng=None, masks=None, trace=None):
    """The output of the network. In training, dropout takes its mask from `masks`, by the
    layer's name (1: keep the number), or draws one from `rng`. trace(name, y) is called
    with the output of each layer."""
    net = Net(params, training, rng=rng, masks=masks, trace=trace)
    y = network(inside(x), net)
    return outside(y)


def record(params, x, training=True, rng=None, masks=None, trace=None):
    """As forward, but returns y and what backward needs. The new running statistics are in
    its `stats`, by name; `params` is not changed."""
    net = Net(params, training, keep=True, rng=rng, masks=masks, trace=trace)
    y = network(inside(x), net)
    return outside(y), net


def backward(dy, net):
    """From dL/dy: dL/dx, and the gradient of each trainable weight by its name."""
    dx = network_backward(inside(dy), net)
    grads = {key: net.grads.get(key, np.zeros_like(value)) for key, value in net.trained.items()}
    return outside(dx), grads


def loss_and_grads(params, x, target, loss=cross_entropy, training=True, rng=None, masks=None):
    """The loss, the gradient of each trainable weight, that of the input, and the new
    running statistics. loss(y, target) gives its value and dL/dy."""
    y, net = record(params, x, training, rng, masks)
    value, dy = loss(y, target)
    dx, grads = backward(dy, net)
    return value, grads, dx, net.stats


def step(params, grads, stats, rate):
    """The params after one step down the gradients, with the new running statistics; each
    keeps its type, whatever the type of the rate."""
    moved = {key: params[key] - rate * grad for key, grad in grads.items()}
    moved = {key: one.astype(params[key].dtype) for key, one in moved.items()}
    return {**params, **stats, **moved}
