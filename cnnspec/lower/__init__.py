"""From the IR to a parametric program: functions with the author's parameters, calls, branches and loops, in
which every tensor is assigned once. This stage is independent of the target: a target supplies the call of
each layer and prints the result."""
