# Gatun's one entry point. `make` alone lists the targets; nothing here needs an exported JAVA_HOME.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The library and the classes are built side by side.
MAKEFLAGS += --jobs=$(shell nproc)

PREFIX ?= $(HOME)/.local
ARGS ?=
PLATFORM := linux-x86_64
CLASSES := target/classes
NATIVES := $(CLASSES)/dev/gatun/natives/$(PLATFORM)
DEMO := src/demo/hqq-small

JDK := $(shell src/launcher/find-jdk javac)
JAVA := $(JDK)/bin/java
# Maven itself must run on JDK 25. The flags silence warnings of Maven's own libraries about Java 25.
MVN = JAVA_HOME=$(JDK) MAVEN_OPTS="--enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow" \
  mvn -B -ntp -Dstyle.color=never
JVM_FLAGS := @src/launcher/jvm.options -Xmx1g

JAVA_SOURCES = $(shell find src/main bindings -name '*.java' -o -name '*.properties') pom.xml
TEST_MODEL := target/test-data/mixtral-small/config.json

.PHONY: help
help: ## this list
	@echo "Gatun. Targets:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: preflight
preflight:
	@src/launcher/preflight

include native/library.mk
include kernels/runtime.mk
include kernels/kernels.mk

.PHONY: native
native: preflight $(CPU_LIBRARY)

# What a user needs and nothing of what a developer needs: no tests, no checks, no kernels where there is no GPU.
target/product.stamp: $(JAVA_SOURCES) | preflight
	@mkdir -p target && rm -rf target/lib
	@echo "  MVN  compile (the first time, Maven fetches plugins and eight libraries)" >&2
	@$(MVN) -q -Dproduct.only compile 2>&1 | sed 's/\x1b\[0m//g' >&2
	@touch $@

.PHONY: run
run: preflight $(CPU_LIBRARY) target/product.stamp ## a story from the demo model (ARGS="-p ... -n 300" for your own)
	@$(JAVA) $(JVM_FLAGS) -Dgatun.demo=$(DEMO) -p $(CLASSES):target/lib -m dev.gatun/dev.gatun.cli.Main generate $(ARGS)

$(TEST_MODEL): src/test/data/mixtral-small.tar.xz
	@mkdir -p target/test-data
	@tar -xJf $< -C target/test-data
	@touch $@

.PHONY: test
test: preflight $(CPU_LIBRARY) $(TEST_MODEL) kernels ## all tests, then those of the installed program
	@$(MVN) verify
	@$(MAKE) --no-print-directory install PREFIX=$(CURDIR)/target/installed
	@$(MVN) surefire:test@installed

.PHONY: quality
quality: preflight $(CPU_LIBRARY) target/product.stamp $(TEST_MODEL) ## perplexity by bits of the small model, as a table (ATTENTION="16 4" EXPERTS="2 4" for some)
	@src/launcher/quality $(dir $(TEST_MODEL)) src/test/data/heldout.txt \
	  $(JAVA) $(JVM_FLAGS) -p $(CLASSES):target/lib -m dev.gatun/dev.gatun.cli.Main

.PHONY: sanitize
sanitize: preflight $(CPU_LIBRARY) $(TEST_MODEL) kernels ## the GPU tests under compute-sanitizer, tool by tool (needs a GPU)
	@src/launcher/sanitize $(JDK) env $(MVN) $(ARGS)

.PHONY: jar
jar: preflight $(CPU_LIBRARY) ## the module's jar in target/, its libraries in target/lib
	@rm -rf target/gatun-*.jar target/lib
	@$(MVN) -q -Dproduct.only package

.PHONY: install
install: jar ## the program `gatun` below PREFIX (default: ~/.local), with the demo model
	@install -d "$(PREFIX)/bin" "$(PREFIX)/lib/gatun" "$(PREFIX)/share/gatun/demo"
	@rm -f "$(PREFIX)"/lib/gatun/*.jar
	@install -m 644 target/gatun-*.jar target/lib/*.jar "$(PREFIX)/lib/gatun/"
	@install -m 755 src/launcher/find-jdk "$(PREFIX)/lib/gatun/find-jdk"
	@install -m 644 src/launcher/jvm.options "$(PREFIX)/lib/gatun/jvm.options"
	@install -m 644 $(DEMO)/* "$(PREFIX)/share/gatun/demo/"
	@install -m 755 src/launcher/gatun "$(PREFIX)/bin/gatun"
	@echo "installed: $(PREFIX)/bin/gatun"

.PHONY: bench
bench: preflight $(CPU_LIBRARY) ## JMH benchmarks, as a table (ARGS="MatvecBenchmark" for one)
	@$(MVN) -q test-compile
	@$(MVN) -q dependency:build-classpath -DincludeScope=test -Dmdep.outputFile=target/test-classpath
	@$(JAVA) --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow \
	  -cp "target/test-classes:$(CLASSES):$$(cat target/test-classpath)" dev.gatun.jmh.Benchmarks $(ARGS)

.PHONY: fuzz
fuzz: preflight $(CPU_LIBRARY) ## 100,000 damaged files of every format, none of which may do harm (ARGS="--seed N --case M")
	@$(MVN) -q test-compile
	@$(MVN) -q dependency:build-classpath -DincludeScope=test -Dmdep.outputFile=target/test-classpath
	@$(JAVA) -Dgatun.test.data=src/test/data -cp "target/test-classes:$(CLASSES):$$(cat target/test-classpath)" \
	  dev.gatun.fuzz.Fuzz $(ARGS)

.PHONY: format
format: preflight ## formats the Java sources as the build wants them
	@$(MVN) -q spotless:apply

.PHONY: javadoc
javadoc: preflight ## the API's documentation in target/reports/apidocs
	@$(MVN) -q -Dproduct.only javadoc:javadoc

.PHONY: bindings
bindings: ## writes bindings/ again from the C headers (needs jextract 25 and the CUDA headers)
	@command -v jextract >/dev/null || { echo "jextract is not on the PATH; get it from https://jdk.java.net/jextract" >&2; exit 1; }
	jextract --output bindings --target-package dev.gatun.bindings.cpu --header-class-name CpuLibrary \
	  @bindings/gatun_cpu.includes native/include/gatun_cpu.h
	@nvcc=$$(command -v nvcc) || { echo "no nvcc: the CUDA bindings stay as they are"; exit 0; }; \
	cuda=$$($$nvcc --dryrun -x cu /dev/null 2>&1 | sed -n 's/^#\$$ TOP=//p'); \
	jextract --output bindings --target-package dev.gatun.bindings.cuda --header-class-name CudaRuntime \
	  -I $$cuda/include @bindings/cuda_runtime.includes $$cuda/include/cuda_runtime_api.h

.PHONY: clean
clean: ## removes target/
	rm -rf target
