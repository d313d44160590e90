"""What a run of a network is, call by call (trace.py), and what its calls mean: a layer list.

Every call has a rule in one of the families (convolutions.py, norms.py, …); reader.py holds what is known so
far, translate.py goes through a trace. layout.py keeps how torch's dimensions lie on channels and axes, so
that a transposition is no layer where the code only wants its channels last. record.py is for doors whose
format has other operators than torch: they write down the calls that torch would have made.
"""
