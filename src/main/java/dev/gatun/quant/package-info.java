/** Quantization schemes and how quantized matrices lie in memory. */
package dev.gatun.quant;
