/** Solvers: how the codes, scales and zeros of a quantized matrix are chosen for the weights of an unquantized one. */
package dev.gatun.quant.solver;
