package dev.gatun;

/**
 * The result of a generation.
 *
 * @param text all its text, without the stop text
 * @param stopReason why it ended
 * @param seed of its random choices: with the same options and this seed the same text comes again
 * @param statistics what it cost
 */
public record Generation(String text, StopReason stopReason, long seed, GenerationStatistics statistics) {}
