"""The site: docs/ as web pages, with a page for each layer, finding, word, command and network.

    python -m docs.site            writes .site/pages (Markdown), and from it .site/html
    python -m docs.site --into X   the same in another folder

Pages that are written by hand are docs/*.md; the others are made here from what `cnnspec` itself prints, each
time the site is built, and are not kept. Nothing is loaded from the network, neither when the site is built
nor by a page of it.
"""
