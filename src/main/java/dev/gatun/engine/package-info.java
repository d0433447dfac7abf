/** The forward pass of a Mixtral-family model, written once over {@link dev.gatun.engine.Backend}. */
package dev.gatun.engine;
