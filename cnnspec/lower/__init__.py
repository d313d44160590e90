"""From the IR to a parametric program: functions with the author's parameters, calls, branches and loops,
every tensor assigned once. It knows no target: a target says how each layer is called, and prints what comes
out."""
