# The CUDA kernels: one fatbin for each source, all packaged as resources. Without nvcc there are none, and Gatun runs on
# the CPU. KERNEL_ARCHS=90a builds for one architecture while developing; KERNEL_PTX= leaves the PTX out as well.

KERNEL_ARCHS ?= 75 80 86 89 90a 100 120
KERNEL_PTX ?= $(if $(filter command% environment%,$(origin KERNEL_ARCHS)),,75 120)
KERNEL_FOLDER := $(CLASSES)/dev/gatun/natives/kernels
KERNEL_SOURCES := $(wildcard kernels/*.cu)
KERNELS := $(KERNEL_SOURCES:kernels/%.cu=$(KERNEL_FOLDER)/%.fatbin)
NVCC := $(shell command -v nvcc 2>/dev/null)
NVCC_FLAGS = -std=c++17 -O3 -lineinfo -Werror all-warnings --compress-mode=size \
  $(foreach a,$(KERNEL_ARCHS),-gencode arch=compute_$(a),code=sm_$(a)) \
  $(foreach a,$(KERNEL_PTX),-gencode arch=compute_$(a),code=compute_$(a))

.PHONY: kernels
ifneq ($(NVCC),)
kernels: $(KERNELS) ## the CUDA kernels (needs nvcc 13; KERNEL_ARCHS=90a for one architecture)

# Other flags build again.
.PHONY: kernel-flags
target/kernels/flags: kernel-flags
	@mkdir -p $(@D)
	@echo '$(NVCC_FLAGS)' | cmp -s - $@ || echo '$(NVCC_FLAGS)' > $@

$(KERNEL_FOLDER)/%.fatbin: kernels/%.cu kernels/kernels.mk target/kernels/flags
	@mkdir -p $(@D)
	@echo "nvcc $<"
	@$(NVCC) $(NVCC_FLAGS) -fatbin -MD -MF target/kernels/$*.d -MT $@ -o $@ $<

-include $(wildcard target/kernels/*.d)

# What is packed for others has them; what runs here needs them only where there is a GPU.
jar: kernels
run bench: $(if $(shell nvidia-smi -L 2>/dev/null),kernels)
else
kernels:
	@echo "no nvcc on the PATH: built without CUDA kernels, for the CPU alone"
endif
