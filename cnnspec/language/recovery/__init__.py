"""After a mistake: an engine (engine.py) and an ordered table of rules (rules/).

A rule sees a `Mistake`: what was found, what was expected, the tokens and the text around. It gives an
`Answer`: the finding and, where it is plain what was meant, the text that is read in its place. Only the
engine touches the parser's stack.
"""
