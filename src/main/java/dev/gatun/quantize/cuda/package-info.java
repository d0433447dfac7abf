/** Quantizing matrices on a GPU: the solvers of {@code dev.gatun.quant.solver}, to the same bits, in kernels. */
package dev.gatun.quantize.cuda;
