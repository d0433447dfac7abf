# Gatun's one entry point. `make` alone lists the targets; nothing here needs an exported JAVA_HOME.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PREFIX ?= $(HOME)/.local
PLATFORM := linux-x86_64
CLASSES := target/classes
NATIVES := $(CLASSES)/dev/gatun/natives/$(PLATFORM)

include native/library.mk
