package dev.gatun.bench;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.engine.Backend;
import dev.gatun.engine.ForwardPass;
import dev.gatun.engine.KvCache;
import dev.gatun.engine.KvPrecision;
import dev.gatun.engine.Logits;
import dev.gatun.engine.OffloadCounts;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A backend whose model has no tokenizer, as synthetic ones have none: forward passes over random tokens, each token's logits
 * awaited on the host before the next one begins.
 */
public final class PassSubject implements BenchSubject {
    private final BenchDescription description;
    private final Backend backend;
    private final ForwardPass pass;
    private final KvCache cache;
    private final int[] tokens;
    private final float[] logits;
    private volatile boolean cancelled;

    /**
     * Makes a subject of an open backend, and owns it from then on: {@link #close} closes it. If this fails, it is closed.
     *
     * @param context tokens of a sequence; their keys and values are taken now
     */
    public PassSubject(BenchDescription description, MixtralConfig config, Backend backend, int context) {
        this.description = description;
        this.backend = backend;
        this.pass = new ForwardPass(backend, config.layers());
        this.tokens = RandomTokens.ids(context, config.vocabularySize());
        this.logits = new float[config.vocabularySize()];
        try {
            this.cache = backend.newKvCache(context, KvPrecision.F16);
        } catch (RuntimeException | Error failure) {
            backend.close();
            throw failure;
        }
    }

    @Override
    public BenchDescription description() {
        return description;
    }

    @Override
    public List<String> notes() {
        return backend.notes();
    }

    @Override
    public int maxTokens() {
        return cache.capacity();
    }

    @Override
    public Measurement prompt(int count) {
        cache.truncate(0);
        return measured(count, () -> process(count));
    }

    @Override
    public Measurement generate(int count) {
        cache.truncate(0);
        process(1);
        return measured(count, () -> {
            for (int token = 0; token < count && !cancelled; token++) {
                process(cache.length() + 1);
            }
        });
    }

    /** Goes on until the sequence has {@code length} tokens. */
    private void process(int length) {
        while (cache.length() < length && !cancelled) {
            int from = cache.length();
            int to = Math.min(length, from + pass.nextChunk(cache));
            Logits computed = pass.run(Arrays.copyOfRange(tokens, from, to), cache, 1);
            backend.await(computed, logits);
        }
    }

    private Measurement measured(int count, Runnable work) {
        Optional<OffloadCounts> before = backend.offloadCounts();
        long start = System.nanoTime();
        work.run();
        double seconds = (System.nanoTime() - start) / 1e9;
        Optional<FetchCost> cost =
                before.flatMap(earlier -> backend.offloadCounts().map(now -> FetchCost.of(now.since(earlier))));
        return new Measurement(count, seconds, cost);
    }

    @Override
    public void cancel() {
        cancelled = true;
    }

    @Override
    public void close() {
        try {
            cache.close();
        } finally {
            backend.close();
        }
    }
}
