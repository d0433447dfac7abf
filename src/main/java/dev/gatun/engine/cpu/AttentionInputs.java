package dev.gatun.engine.cpu;

import dev.gatun.cpu.FloatMatrix;

/**
 * What the projections of a layer's attention multiplied.
 *
 * @param normed of the query, key and value projections, [tokens, hidden]
 * @param attended of the output projection, [tokens, heads * headSize]
 */
record AttentionInputs(FloatMatrix normed, FloatMatrix attended) {}
