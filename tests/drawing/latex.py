"""What LaTeX makes of a picture."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

DOCUMENT = r"""\documentclass{article}
\usepackage[paperwidth=60in,paperheight=60in,margin=1in]{geometry}
\usepackage{PACKAGES}
\pagestyle{empty}
\begin{document}
\noindent\input{figure.tex}
\end{document}
"""


def compiled(picture: str, folder: Path, packages: str = "tikz") -> Path:
    """The document with this picture or table, as PDF; CalledProcessError where LaTeX reports an error."""
    latex = shutil.which("pdflatex")
    if latex is None:
        pytest.skip("pdflatex is not installed (Debian: texlive-latex-extra, texlive-pictures)")
    (folder / "figure.tex").write_text(picture, encoding="utf-8")
    (folder / "document.tex").write_text(DOCUMENT.replace("PACKAGES", packages))
    command = [latex, "-halt-on-error", "-no-shell-escape", "-interaction=nonstopmode", "document.tex"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    return folder / "document.pdf"


def text_of(pdf: Path) -> str:
    from pypdf import PdfReader

    return "\n".join(page.extract_text() for page in PdfReader(pdf).pages)
