package dev.gatun.engine.cpu;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.cpu.CpuPool;
import dev.gatun.cpu.FloatMatrix;
import dev.gatun.cpu.NotANumberException;
import dev.gatun.engine.GuessObserver;
import dev.gatun.engine.RouterFailureException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Asks the routers of the next layers early, in memory of its own: what the chunk in work computes is left alone. */
final class CpuGuesses {
    private final MixtralConfig config;
    private final CpuWeights weights;
    private final GuessObserver observer;
    private final int layersAhead;
    private final FloatMatrix normed;
    private final FloatMatrix logits;
    private final MemorySegment ids;
    private final MemorySegment probabilities;

    /**
     * Takes memory for chunks of up to {@code tokens} tokens from {@code arena}.
     *
     * @param layersAhead how far to guess, at least 1
     */
    CpuGuesses(
            Arena arena,
            MixtralConfig config,
            CpuWeights weights,
            int tokens,
            GuessObserver observer,
            int layersAhead) {
        this.config = config;
        this.weights = weights;
        this.observer = observer;
        this.layersAhead = layersAhead;
        this.normed = FloatMatrix.allocate(arena, tokens, config.hiddenSize());
        this.logits = FloatMatrix.allocate(arena, tokens, config.experts());
        this.ids = arena.allocate(ValueLayout.JAVA_INT, (long) tokens * config.experts());
        this.probabilities = arena.allocate(ValueLayout.JAVA_FLOAT, (long) tokens * config.experts());
    }

    /**
     * Tells what the layers after {@code layer} would choose for what its router sees.
     *
     * @throws RouterFailureException if one of them saw NaN
     */
    void ask(CpuPool pool, int layer, FloatMatrix stream) {
        int last = Math.min(layer + layersAhead, config.layers() - 1);
        for (int asked = layer + 1; asked <= last; asked++) {
            observer.guessed(layer, asked - layer, stream.rows(), rank(pool, asked, stream));
        }
    }

    private int[] rank(CpuPool pool, int layer, FloatMatrix stream) {
        CpuWeights.Layer asked = weights.layers().get(layer);
        FloatMatrix input = normed.rows(0, stream.rows());
        FloatMatrix output = logits.rows(0, stream.rows());
        pool.rmsNorm(asked.expertNorm(), (float) config.normEpsilon(), stream, input);
        pool.multiply(asked.router(), input, output);
        long words = (long) stream.rows() * config.experts();
        MemorySegment ranking = ids.asSlice(0, words * Integer.BYTES);
        try {
            pool.route(output, config.experts(), ranking, probabilities.asSlice(0, words * Float.BYTES));
        } catch (NotANumberException nan) {
            throw new RouterFailureException(layer, nan);
        }
        return ranking.toArray(ValueLayout.JAVA_INT);
    }
}
