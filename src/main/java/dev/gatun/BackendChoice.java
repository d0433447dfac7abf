package dev.gatun;

import java.util.List;

/**
 * The backend that was chosen for a model, and why.
 *
 * @param name {@code "cpu"} or {@code "cuda"}
 * @param description name, instruction set and threads: {@code "cpu (avx2, 2 threads)"}, {@code "cuda (NVIDIA H100 80GB HBM3)"};
 *     where experts lie if not all are on the GPU: {@code "cuda (NVIDIA H200, 165 of 256 experts on the GPU, all in host
 *     memory)"}
 * @param reason why this one: {@code "asked for"}, or why a faster one is not available
 * @param hostMemory bytes of page-locked host memory that weights lie in: experts that are not on the GPU, and embeddings where
 *     they make room for experts; 0 on the CPU
 * @param notes lines about what makes it slower than it could be, and how to mend that; mostly none
 */
public record BackendChoice(String name, String description, String reason, long hostMemory, List<String> notes) {
    /** Copies the list. */
    public BackendChoice {
        notes = List.copyOf(notes);
    }
}
