"""The second opinion: what a layer, and a network, computes, said with torch's own functions.

`layers.py`: a layer on tensors. `weights.py`: the weights that torch gives it. `network.py`: a whole network,
layer by layer along the flat list of the IR; it knows nothing of how programs are emitted. What runs in
float64 is held against emitted programs, what runs on the meta device against shape rules.
"""
