# `make` alone prints what there is. Environments are built once and stamped; a change of pyproject.toml rebuilds them.

PYTHON ?= python3
VENV   := .venv
DEMO   := .venv-demo
BENCH  := .venv-bench
PARITY := .venv-parity
LIGHT  := .venv-light
RUN    := $(VENV)/bin/python -m
PYTEST ?= -n 2 --dist loadfile --no-loadscope-reorder
FUZZ   ?= 600

.DEFAULT_GOAL := help
.PHONY: help demo test light zoo train lint fmt bench fuzz keras latex paper homework site parity import sizes clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(DEMO)/.stamp  ## see it work: checks ResNet-50, builds its torch and NumPy programs (no torch needed)
	$(DEMO)/bin/cnnspec check zoo:resnet --variant ResNet50
	$(DEMO)/bin/cnnspec build zoo:resnet --variant ResNet50 --target torch -o $(DEMO)/resnet50_torch.py --force
	$(DEMO)/bin/cnnspec build zoo:resnet --variant ResNet50 --target numpy -o $(DEMO)/resnet50_numpy.py --force
	sed -n 1,60p $(DEMO)/resnet50_torch.py

test: lint $(VENV)/.stamp  ## lint, then every test (installs torch on the first run)
	$(RUN) pytest $(PYTEST)

light: $(LIGHT)/.stamp  ## the tests that need no torch, in an environment without it (minutes)
	$(LIGHT)/bin/python -m pytest $(PYTEST) -m "not heavy and not slow"

zoo: $(VENV)/.stamp  ## every spec and variant of the zoo, NumPy beside torch, gradients too (half an hour of a core, 13 GB)
	$(RUN) pytest -m heavy

train: $(VENV)/.stamp  ## LeNet-5 trained to 97 %, and every command of docs/training.md (minutes)
	$(RUN) pytest -m heavy tests/training tests/cli/test_train.py tests/docs/test_training_page.py

lint: $(VENV)/.stamp  ## ruff and mypy
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy

fmt: $(VENV)/.stamp  ## put the code in its canonical form
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

bench: $(BENCH)/.stamp  ## what README's figures come from: cnnspec beside onnx and torchinfo
	$(BENCH)/bin/python benchmarks/check.py

fuzz: $(VENV)/.stamp  ## the long size of the property tests, then atheris (minutes; FUZZ=seconds of it)
	CNNSPEC_FUZZ=long $(RUN) pytest $(PYTEST) tests/properties tests/language/test_any_text.py
	-$(RUN) pip install --quiet --editable '.[fuzz]'
	$(RUN) tests.fuzz.harness --seconds $(FUZZ)

keras: $(VENV)/.stamp  ## translations from Keras beside Keras 3 on its torch backend (installs Keras)
	$(RUN) pip install --quiet --editable '.[keras]'
	KERAS_BACKEND=torch $(RUN) pytest $(PYTEST) tests/notations/test_keras.py tests/sources/keras/test_beside_keras.py

latex: $(VENV)/.stamp  ## figures and tables compiled with pdflatex, where that is installed, and Typst (minutes)
	$(RUN) pip install --quiet --editable '.[typst]'
	$(RUN) pytest $(PYTEST) -m latex

paper: $(VENV)/.stamp  ## docs/paper: its figure and tables regenerated from its spec, then the PDF (needs pdflatex)
	$(RUN) cnnspec check --update docs/paper/paper.tex
	mkdir -p .paper
	$(RUN) cnnspec schema latex > .paper/cnnspec.sty
	cd docs/paper && for pass in 1 2; do \
		TEXINPUTS=../../.paper: pdflatex -halt-on-error -interaction=batchmode -output-directory ../../.paper paper.tex || exit 1; \
	done
	@echo .paper/paper.pdf

homework: $(VENV)/.stamp  ## docs/homework/sheet.tex: figures and tables regenerated, then the sheet and its answers (needs pdflatex)
	$(RUN) cnnspec check --update docs/homework/sheet.tex
	mkdir -p .paper
	$(RUN) cnnspec schema latex > .paper/cnnspec.sty
	cd docs/homework && for name in sheet answers; do \
		TEXINPUTS=../../.paper: pdflatex -halt-on-error -interaction=batchmode -output-directory ../../.paper -jobname $$name \
			"$$([ $$name = sheet ] || printf '%s' '\def\withanswers{}')\input{sheet.tex}" || exit 1; \
	done
	@echo .paper/sheet.pdf .paper/answers.pdf

site: $(VENV)/.stamp  ## docs/ as web pages, with a page for each layer, finding and network: .site/html/index.html
	$(RUN) docs.site
	$(RUN) pytest -m heavy tests/docs/test_site.py

parity: $(PARITY)/.stamp  ## weights of torchvision (78 networks) and of timm (31) in emitted programs (half an hour; installs 5 GB)
	$(PARITY)/bin/python tests/parity/against_torchvision.py
	$(PARITY)/bin/python -m tests.parity.against_timm

import: $(PARITY)/.stamp $(VENV)/.stamp  ## the zoo, torchvision (75) and timm (643), imported: weights, outputs, gradients; 22 as ONNX (hours)
	$(RUN) tests.sources.zoo
	$(RUN) pytest $(PYTEST) -m heavy tests/sources/onnx
	$(PARITY)/bin/python -m tests.sources.packages torchvision
	$(PARITY)/bin/python -m tests.sources.packages timm

sizes: $(VENV)/.stamp  ## `cnnspec sizes` of the whole zoo beside torch on the meta device (half an hour of a core)
	$(RUN) tests.sizes.against_torch

clean:  ## remove environments and caches
	rm -rf $(VENV) $(DEMO) $(BENCH) $(PARITY) $(LIGHT) dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .fuzz .paper .site

$(VENV)/.stamp: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(RUN) pip install --quiet --editable '.[dev]'
	@touch $@

$(LIGHT)/.stamp: pyproject.toml
	$(PYTHON) -m venv $(LIGHT)
	$(LIGHT)/bin/python -m pip install --quiet --editable '.[test]'
	@touch $@

$(DEMO)/.stamp: pyproject.toml
	$(PYTHON) -m venv $(DEMO)
	$(DEMO)/bin/python -m pip install --quiet --editable .
	@touch $@

$(BENCH)/.stamp: pyproject.toml
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --editable '.[bench]'
	@touch $@

$(PARITY)/.stamp: pyproject.toml
	$(PYTHON) -m venv $(PARITY)
	$(PARITY)/bin/python -m pip install --quiet --editable '.[parity]'
	@touch $@
