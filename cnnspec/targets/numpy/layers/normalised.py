"""Places of layers whose weight is computed from the stored arrays: `conv(x, Spectral(net["conv"]), …)`."""

import numpy as np

from cnnspec.targets.numpy.layers.net import constant

ORIGINAL = "parametrizations.weight.original"


class Normalised:
    """A place in the network whose weight is computed; everything else is as in the place itself. `computed`
    gives the weight, and `spread` passes its gradient on to the arrays that it is computed from."""

    def __init__(self, net):
        self.net = net

    def __getattr__(self, name):
        return getattr(self.net, name)

    def weight(self, name, shape, start):
        """The weight that the layer uses."""
        return self.computed(shape, start) if name == "weight" else self.net.weight(name, shape, start)

    def gradient(self, name, value):
        """Passes the gradient on to the stored arrays."""
        if name == "weight":
            self.spread(value)
        else:
            self.net.gradient(name, value)


def unit_vector(v):
    """A vector of length 1."""
    return v / max(np.sqrt((v * v).sum()), 1e-12)


class Spectral(Normalised):
    """W/σ with the largest singular value σ = uᵀWv; in training, u and v are updated by one power iteration
    (Miyato et al., 2018). The filters are the rows of W."""

    def __init__(self, net, axis=0):
        super().__init__(net)
        self.axis = axis

    def rows(self, w):
        return np.moveaxis(w, self.axis, 0).reshape(w.shape[self.axis], -1)

    def computed(self, shape, start):
        w = self.net.weight(ORIGINAL, shape, start)
        rows = self.rows(w)

        def left(rng, shape, dtype):
            u = unit_vector(rng.standard_normal(shape, dtype))
            for _ in range(15):
                u = unit_vector(rows @ unit_vector(rows.T @ u))
            return u.astype(dtype)

        names = "parametrizations.weight.0._u", "parametrizations.weight.0._v"
        u = self.net.buffer(names[0], rows.shape[:1], left)
        v = self.net.buffer(
            names[1], rows.shape[1:], lambda rng, shape, dtype: unit_vector(rows.T @ u).astype(dtype)
        )
        if self.net.training:
            u = unit_vector(rows @ v)
            v = unit_vector(rows.T @ u)
            self.net.update(names[0], u)
            self.net.update(names[1], v)
        sigma = u @ (rows @ v)
        self.net["weight"].keep(w, u, v, sigma)
        return w / sigma

    def spread(self, dw):
        """dL/dW = dW/σ − Σ(dW·W)/σ²·uvᵀ; u and v count as constants."""
        w, u, v, sigma = self.net["weight"].take()
        outer = np.moveaxis(np.outer(u, v).reshape(np.moveaxis(w, self.axis, 0).shape), 0, self.axis)
        self.net.gradient(ORIGINAL, dw / sigma - (dw * w).sum() / sigma**2 * outer)


class WeightNorm(Normalised):
    """g·V/‖V‖, a length g and a direction V for each place of the first axis (Salimans and
    Kingma, 2016)."""

    def computed(self, shape, start):
        v = self.net.weight(f"{ORIGINAL}1", shape, start)
        over = tuple(range(1, v.ndim))
        length = np.sqrt((v * v).sum(over, keepdims=True))
        g = self.net.weight(f"{ORIGINAL}0", length.shape, lambda rng, shape, dtype: length.astype(dtype))
        self.net["weight"].keep(g, v, length)
        return g * (v / length)

    def spread(self, dw):
        """dL/dg = Σ dW·V/‖V‖, dL/dV = g/‖V‖·(dW − Σ(dW·V/‖V‖)·V/‖V‖)."""
        g, v, length = self.net["weight"].take()
        over, way = tuple(range(1, v.ndim)), v / length
        along = (dw * way).sum(over, keepdims=True)
        self.net.gradient(f"{ORIGINAL}0", along)
        self.net.gradient(f"{ORIGINAL}1", g / length * (dw - along * way))


class Standardized(Normalised):
    """(W − μ)/√(σ² + eps), with the mean and the variance of each filter (Qiao et al., 2019)."""

    def __init__(self, net, eps=1e-6, axis=0):
        super().__init__(net)
        self.eps, self.axis = eps, axis

    def over(self, w):
        """The axes of one filter."""
        return tuple(axis for axis in range(w.ndim) if axis != self.axis)

    def computed(self, shape, start):
        w = self.net.weight(ORIGINAL, shape, start)
        root = np.sqrt(w.var(self.over(w), keepdims=True) + self.eps)
        standard = (w - w.mean(self.over(w), keepdims=True)) / root
        self.net["weight"].keep(standard, root)
        return standard

    def spread(self, dw):
        self.back(dw, *self.net["weight"].take())

    def back(self, d, standard, root):
        """dL/dW = (d − mean(d) − mean(d·y)·y)/√(σ² + eps), y the standardized weight."""
        over = self.over(d)
        mean = d.mean(over, keepdims=True) + standard * (d * standard).mean(over, keepdims=True)
        self.net.gradient(ORIGINAL, (d - mean) / root)


class Scaled(Normalised):
    """gain·gamma/√fan_in·(W − μ)/√(σ² + eps), with a gain for each filter (Brock et al., 2021)."""

    def __init__(self, net, gamma=1.0, eps=1e-6, axis=0):
        super().__init__(net)
        self.standardized, self.gamma, self.axis = Standardized(net, eps, axis), gamma, axis

    def computed(self, shape, start):
        standard = self.standardized.computed(shape, start)
        filters = shape[self.axis]
        scale = self.gamma / np.sqrt(standard.size // filters)
        sizes = tuple(filters if axis == self.axis else 1 for axis in range(len(shape)))
        gain = self.net.weight("parametrizations.weight.0.gain", sizes, constant(1.0))
        self.net["gain"].keep(gain, scale)
        return standard * (gain * scale)

    def spread(self, dw):
        """dL/dgain = Σ dW·scale·y, and as in Standardized."""
        (gain, scale), (standard, root) = self.net["gain"].take(), self.net["weight"].take()
        dgain = (dw * standard).sum(self.standardized.over(dw), keepdims=True) * scale
        self.net.gradient("parametrizations.weight.0.gain", dgain)
        self.standardized.back(dw * (gain * scale), standard, root)
