package dev.gatun.engine.cuda;

import dev.gatun.cuda.DeviceMemory;

/**
 * Inputs of the batched products as {@code rows.cu} writes them.
 *
 * @param values fp16 [rows, columns padded to 128] in the tensor cores' order
 * @param factors float32 [rows]: what the powers of two in the values are undone with
 */
record ScaledRows(DeviceMemory values, DeviceMemory factors, int rows, int columns) {}
