# NVIDIA's runtime library travels in the jar. It comes from the toolkit that nvcc belongs to, which nvcc itself must tell:
# the nvcc on the PATH may be a script, and toolkits keep the library in different folders.

CUDA_RUNTIME := $(NATIVES)/libcudart.so.13

.PHONY: cuda-runtime
cuda-runtime:
	@nvcc=$$(command -v nvcc) || { echo "no nvcc: this build is for the CPU alone" >&2; exit 0; }; \
	top=$$($$nvcc --dryrun -x cu /dev/null 2>&1 | sed -n 's/^#\$$ TOP=//p'); \
	library=$$(ls $$top/lib64/libcudart.so.13 $$top/lib/libcudart.so.13 $$top/targets/x86_64-linux/lib/libcudart.so.13 2>/dev/null | head -1 || true); \
	[ -n "$$library" ] || { echo "no libcudart.so.13 in $$top, where $$nvcc belongs: this build is for the CPU alone" >&2; exit 0; }; \
	cmp -s "$$library" $(CUDA_RUNTIME) || install -D -m 644 "$$library" $(CUDA_RUNTIME)

native run test jar bench: cuda-runtime
