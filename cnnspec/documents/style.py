"""cnnspec.sty: specs in LaTeX, by the package listings; printed by `cnnspec schema latex`."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from cnnspec.documents.words import word_lists

_STYLE = r"""% Specs of cnnspec in LaTeX. Written by `cnnspec schema latex > cnnspec.sty`, from its own words.
%
%   \usepackage{cnnspec}
%   \begin{cnn}[caption={The stem}, name=stem] ... \end{cnn}
%   \begin{lstlisting}[style=cnn, language=cnn] ... \end{lstlisting}
%   \cnnfile[caption={LeNet-5}]{lenet.cnn}      \cnninline|conv F3 K64|
%
% The keys input, after and error are for `cnnspec check paper.tex`, and have no effect here.
\NeedsTeXFormat{LaTeX2e}
\ProvidesPackage{cnnspec}[2026/11/30 Specs of convolutional networks]
\RequirePackage{listings}
\RequirePackage{color}

\AtBeginDocument{%
  \definecolor{cnnstatement}{rgb}{0.49,0.13,0.45}%
  \definecolor{cnnlayer}{rgb}{0.06,0.31,0.55}%
  \definecolor{cnnargument}{rgb}{0.45,0.30,0.08}%
  \definecolor{cnncomment}{rgb}{0.40,0.40,0.40}%
}

\lstdefinelanguage{cnn}{%
  sensitive=true,
  morecomment=[l]{\#},
  morestring=[b]",
  morekeywords=[1]{%
%(statements)s},
  morekeywords=[2]{%
%(layers)s},
  morekeywords=[3]{%
%(arguments)s},
}

\lstdefinestyle{cnn}{%
  language=cnn,
  basicstyle=\ttfamily\small,
  keywordstyle=[1]\bfseries\color{cnnstatement},
  keywordstyle=[2]\color{cnnlayer},
  keywordstyle=[3]\color{cnnargument},
  commentstyle=\itshape\color{cnncomment},
  stringstyle=\color{cnncomment},
  columns=fullflexible,
  keepspaces=true,
  showstringspaces=false,
  upquote=true,
  breaklines=true,
  literate={->}{{$\rightarrow$}}2 {=>}{{$\Rightarrow$}}2 {→}{{$\rightarrow$}}2 {⇒}{{$\Rightarrow$}}2
    {×}{{$\times$}}1 {−}{{$-$}}1 {–}{{--}}1 {≤}{{$\leq$}}1 {≥}{{$\geq$}}1 {≠}{{$\neq$}}1,
}

\define@key{lst}{input}[]{}
\define@key{lst}{after}[]{}
\define@key{lst}{error}[]{}

\lstnewenvironment{cnn}[1][]{\lstset{style=cnn,#1}}{}
\newcommand{\cnnfile}[2][]{\lstinputlisting[style=cnn,#1]{#2}}
\newcommand{\cnninline}{\lstinline[style=cnn]}
\endinput
"""


def latex_style() -> str:
    """The text of cnnspec.sty, with the words of the language."""
    lists = word_lists()
    others = {*lists.arguments, *lists.functions, *lists.claims} - {*lists.layers, *lists.statements}
    arguments = [word for word in sorted(others) if len(word) > 1]  # `k` is more often a name of the author's
    text = _STYLE
    for name, words in (
        ("statements", lists.statements),
        ("layers", lists.layers),
        ("arguments", arguments),
    ):
        text = text.replace(f"%({name})s", _wrapped(words))
    return text


def _wrapped(words: Iterable[str]) -> str:
    return textwrap.fill(
        ",".join(words).replace(",", ", "), 96, initial_indent="    ", subsequent_indent="    "
    ).replace(", ", ",")
