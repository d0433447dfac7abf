package dev.gatun.engine.cpu;

import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.cpu.CpuLevel;
import dev.gatun.engine.ForwardPass;
import dev.gatun.engine.KvCache;
import java.nio.file.Path;
import java.util.Arrays;

/** A checkpoint on a CPU backend, for tests. */
record CpuModel(Checkpoint checkpoint, CpuBackend backend, ForwardPass pass) implements AutoCloseable {
    static CpuModel open(Path folder, int threads, CpuLevel level) {
        Checkpoint checkpoint = Checkpoint.open(folder);
        CpuBackend backend = new CpuBackend(checkpoint.config(), checkpoint.weights(), threads, level);
        return new CpuModel(
                checkpoint,
                backend,
                new ForwardPass(backend, checkpoint.config().layers()));
    }

    /** Feeds tokens chunk by chunk; returns the logits of the last {@code rows}, which lie in the last chunk. */
    float[] feed(int[] tokens, KvCache cache, int rows, int chunk) {
        float[] logits = new float[rows * checkpoint.config().vocabularySize()];
        for (int from = 0; from < tokens.length; from += chunk) {
            int to = Math.min(tokens.length, from + chunk);
            boolean last = to == tokens.length;
            float[] target = last ? logits : new float[checkpoint.config().vocabularySize()];
            backend.await(pass.run(Arrays.copyOfRange(tokens, from, to), cache, last ? rows : 1), target);
        }
        return logits;
    }

    @Override
    public void close() {
        backend.close();
        checkpoint.close();
    }
}
