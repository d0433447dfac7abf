package dev.gatun;

/**
 * The backend that was chosen for a model, and why.
 *
 * @param name {@code "cpu"}
 * @param description name, instruction set and threads: {@code "cpu (avx2, 2 threads)"}
 * @param reason why this one: {@code "asked for"}, or why a faster one is not available
 */
public record BackendChoice(String name, String description, String reason) {}
