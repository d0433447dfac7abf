/** The forward pass on a GPU: {@link dev.gatun.engine.cuda.CudaBackend} launches the kernels of {@code kernels/}. */
package dev.gatun.engine.cuda;
