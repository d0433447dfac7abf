package dev.gatun.engine.cuda;

/** The shared memory that kernels/q2_stream.cuh asks for. */
final class StreamMemory {
    private StreamMemory() {}

    static int bytes(int tokens, int sliceTiles, boolean wide) {
        return tokens * sliceTiles * 32 * (wide ? 16 : 8) + (tokens == 1 ? 8192 : 16384) + 36 * tokens;
    }
}
