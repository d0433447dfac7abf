/** Quantizing whole models: which matrices become what, layer by layer, into Gatun's own format. */
package dev.gatun.quantize;
