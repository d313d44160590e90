"""The calls of a network's run (trace.py), and their translation to a layer list.

Every call has a rule in one of the families (convolutions.py, norms.py, …); reader.py keeps the results so
far, translate.py processes a trace. layout.py describes how torch's dimensions correspond to channels and
axes, so that a transposition is not a layer where the code only puts its channels last. record.py is for
formats whose operators are not torch's: they record the calls that torch would make."""
