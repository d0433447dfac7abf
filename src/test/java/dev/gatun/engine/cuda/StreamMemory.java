package dev.gatun.engine.cuda;

/** The shared memory that kernels/q2_stream.cuh asks for. */
final class StreamMemory {
    private StreamMemory() {}

    static int bytes(int tokens, int sliceTiles, boolean wide) {
        int entry = !wide ? 8 : tokens == 1 ? 32 : 16;
        return tokens * sliceTiles * 32 * entry + 16384 + 36 * tokens;
    }
}
