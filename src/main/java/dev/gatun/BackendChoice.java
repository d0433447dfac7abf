package dev.gatun;

/**
 * The backend that was chosen for a model, and why.
 *
 * @param name {@code "cpu"} or {@code "cuda"}
 * @param description name, instruction set and threads: {@code "cpu (avx2, 2 threads)"}, {@code "cuda (NVIDIA H100 80GB HBM3)"}
 * @param reason why this one: {@code "asked for"}, or why a faster one is not available
 */
public record BackendChoice(String name, String description, String reason) {}
