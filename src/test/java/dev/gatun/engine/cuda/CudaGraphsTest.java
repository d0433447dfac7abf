package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.gatun.checkpoint.Seeds;
import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.RequiresGpu;
import dev.gatun.engine.Activations;
import dev.gatun.engine.Backend;
import dev.gatun.engine.CandidateRequest;
import dev.gatun.engine.CandidateSearch;
import dev.gatun.engine.KvCache;
import dev.gatun.engine.KvPrecision;
import dev.gatun.engine.OpenModel;
import dev.gatun.engine.ReferenceFolder;
import dev.gatun.engine.ReferenceSuite.Which;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** With and without graphs the reference model gives the same bits, whatever is done with it. */
@Tag("model")
@RequiresGpu
@ParameterizedClass
@EnumSource
@Execution(ExecutionMode.SAME_THREAD)
class CudaGraphsTest {
    private static final int CAPACITY = 512;

    @Parameter
    Which which;

    private OpenModel open(boolean graphs) {
        return OpenModel.open(
                which.folder().model(),
                checkpoint -> new CudaBackend(
                        CudaDevice.open(0),
                        checkpoint.config(),
                        checkpoint.weights(),
                        CudaOptions.defaults().withGraphs(graphs)));
    }

    private int[] transcript(boolean graphs, Consumer<Transcript> scenario) {
        try (OpenModel model = open(graphs)) {
            Transcript transcript = new Transcript(model);
            scenario.accept(transcript);
            return transcript.bits();
        }
    }

    /** Plays it in both ways. */
    private void givesTheSameBits(Consumer<Transcript> scenario) {
        int[] plain = transcript(false, scenario);
        int[] graphs = transcript(true, scenario);
        assertThat(plain).isNotEmpty();
        assertThat(Arrays.mismatch(graphs, plain))
                .as("the first bits that differ")
                .isEqualTo(-1);
    }

    private KvCache cache(Transcript transcript) {
        return transcript.model().backend().newKvCache(CAPACITY, KvPrecision.F16);
    }

    private static float[] feed(Transcript transcript, KvCache cache, int... tokens) {
        return transcript.await(transcript.model().pass().run(tokens, cache, 1));
    }

    /** Goes on one token at a time, with the likeliest. */
    private static float[] goOn(Transcript transcript, KvCache cache, float[] logits, int steps) {
        float[] last = logits;
        for (int i = 0; i < steps; i++) {
            last = feed(transcript, cache, OpenModel.likeliest(last));
        }
        return last;
    }

    @Test
    void greedyContinuationsOfEveryPromptAcrossTheBoundsOfPieces() {
        givesTheSameBits(transcript -> {
            for (ReferenceFolder.Prompt prompt : which.folder().prompts()) {
                for (KvPrecision precision : KvPrecision.values()) {
                    try (KvCache cache = transcript.model().backend().newKvCache(CAPACITY, precision)) {
                        int steps = prompt.ids().length == 1 ? 200 : 70;
                        goOn(transcript, cache, feed(transcript, cache, prompt.ids()), steps);
                    }
                }
            }
        });
    }

    @Test
    void truncatedSequences() {
        givesTheSameBits(transcript -> {
            try (KvCache cache = cache(transcript)) {
                float[] logits = goOn(transcript, cache, feed(transcript, cache, 1), 130);
                for (int length : new int[] {129, 128, 127, 63, 2, 0}) {
                    cache.truncate(length);
                    goOn(transcript, cache, logits, 4);
                }
            }
        });
    }

    @Test
    void moreSequencesThanThereAreGraphs() {
        givesTheSameBits(transcript -> {
            List<KvCache> caches = new ArrayList<>();
            for (int i = 0; i <= TokenGraphs.MOST; i++) {
                caches.add(cache(transcript));
            }
            for (int step = 0; step < 70; step++) {
                // Each at another length, and the first half of them alone at last.
                int count = step < 40 ? caches.size() : TokenGraphs.MOST / 2;
                for (int i = 0; i < count; i++) {
                    int[] tokens = step == 0 ? new int[1 + 3 * i] : new int[1];
                    Arrays.fill(tokens, 100 + i + step);
                    feed(transcript, caches.get(i), tokens);
                }
            }
            caches.forEach(KvCache::close);
        });
    }

    @Test
    void observersThatComeInBetween() {
        givesTheSameBits(transcript -> {
            Backend backend = transcript.model().backend();
            try (KvCache cache = cache(transcript)) {
                float[] logits = goOn(transcript, cache, feed(transcript, cache, 1, 300), 10);
                for (int i = 0; i < 2; i++) {
                    backend.observe(transcript.observer());
                    logits = goOn(transcript, cache, feed(transcript, cache, 7, 8, 9), 60);
                }
                // Of a token that nobody awaits, the observer hears when the next begins.
                transcript.model().pass().run(new int[] {OpenModel.likeliest(logits)}, cache, 1);
                feed(transcript, cache, 11);
            }
        });
    }

    @Test
    void anObserverThatComesInTheMiddleOfAToken() {
        givesTheSameBits(transcript -> {
            Backend backend = transcript.model().backend();
            try (KvCache cache = cache(transcript)) {
                goOn(transcript, cache, feed(transcript, cache, 1), 3);
                Activations hidden = backend.embed(new int[] {5});
                layers(transcript, hidden, cache, 0, 2);
                backend.observe(transcript.observer());
                layers(transcript, hidden, cache, 2, 5);
                transcript.await(backend.head(hidden, 1));
                goOn(transcript, cache, feed(transcript, cache, 5), 3);
            }
        });
    }

    private static void layers(Transcript transcript, Activations hidden, KvCache cache, int from, int to) {
        Backend backend = transcript.model().backend();
        for (int layer = from; layer < to; layer++) {
            backend.attend(layer, hidden, cache);
            backend.experts(layer, hidden, backend.route(layer, hidden));
        }
    }

    @Test
    void manyRowsInBetween() {
        givesTheSameBits(transcript -> {
            int[] ids = which.folder().prompt("long").ids();
            try (KvCache one = cache(transcript);
                    KvCache other = cache(transcript)) {
                float[] logits = feed(transcript, one, 1);
                for (int chunk : new int[] {200, 9, 8, 2}) {
                    logits = goOn(transcript, one, logits, 5);
                    int[] part = Arrays.copyOf(ids, chunk);
                    transcript.await(transcript.model().pass().run(part, other, chunk));
                }
                goOn(transcript, one, logits, 5);
            }
        });
    }

    @Test
    void sequencesThatEndWhileOthersGoOn() {
        givesTheSameBits(transcript -> {
            try (KvCache stays = cache(transcript)) {
                float[] logits = feed(transcript, stays, 1);
                for (int i = 0; i < 12; i++) {
                    try (KvCache goes = cache(transcript)) {
                        goOn(transcript, goes, feed(transcript, goes, 1, 50 + i), 3);
                        // Closed with its last token in flight.
                        transcript.model().pass().run(new int[] {9}, goes, 1);
                    }
                    logits = goOn(transcript, stays, logits, 2);
                }
            }
        });
    }

    @Test
    void tokensThatAreNotFinished() {
        givesTheSameBits(transcript -> {
            Backend backend = transcript.model().backend();
            try (KvCache cache = cache(transcript)) {
                float[] logits = goOn(transcript, cache, feed(transcript, cache, 1), 3);
                try (KvCache goes = cache(transcript)) {
                    layers(transcript, backend.embed(new int[] {40}), goes, 0, 3);
                }
                layers(transcript, backend.embed(new int[] {41}), cache, 0, 4);
                goOn(transcript, cache, logits, 3);
                layers(transcript, backend.embed(new int[] {41}), cache, 0, 4);
            }
        });
    }

    @Test
    void aSequenceThatIsFull() {
        givesTheSameBits(transcript -> {
            try (KvCache cache = transcript.model().backend().newKvCache(5, KvPrecision.F16)) {
                float[] logits = goOn(transcript, cache, feed(transcript, cache, 1), 4);
                assertThatIllegalArgumentException().isThrownBy(() -> feed(transcript, cache, 1));
                cache.truncate(3);
                goOn(transcript, cache, logits, 2);
            }
        });
    }

    @Test
    void operationsInOtherOrders() {
        givesTheSameBits(transcript -> {
            Backend backend = transcript.model().backend();
            try (KvCache cache = cache(transcript)) {
                goOn(transcript, cache, feed(transcript, cache, 1), 3);
                for (int last : new int[] {5, 3, 5, 0}) {
                    Activations hidden = backend.embed(new int[] {60});
                    layers(transcript, hidden, cache, 0, last);
                    transcript.await(backend.head(hidden, 1));
                    // More of the same chunk.
                    layers(transcript, hidden, cache, 0, 1);
                    transcript.await(backend.head(hidden, 1));
                }
                goOn(transcript, cache, feed(transcript, cache, 61), 3);
            }
        });
    }

    @Test
    void aTokenThatReadsTwoSequences() {
        givesTheSameBits(transcript -> {
            Backend backend = transcript.model().backend();
            try (KvCache one = cache(transcript);
                    KvCache other = cache(transcript)) {
                goOn(transcript, one, feed(transcript, one, 1), 70);
                for (int i = 0; i < 3; i++) {
                    goOn(transcript, other, feed(transcript, other, 1, 2), 2);
                    Activations hidden = backend.embed(new int[] {60});
                    layers(transcript, hidden, one, 0, 2);
                    layers(transcript, hidden, other, 2, 4);
                    layers(transcript, hidden, one, 4, 5);
                    transcript.await(backend.head(hidden, 1));
                }
            }
        });
    }

    @Test
    void candidatesFoundOnTheDevice() {
        givesTheSameBits(transcript -> {
            Backend backend = transcript.model().backend();
            CandidateSearch search = backend.candidateSearch().orElseThrow();
            CandidateRequest request = new CandidateRequest(4, 1, 1.1);
            try (KvCache cache = cache(transcript);
                    Arena arena = Arena.ofConfined()) {
                MemorySegment found = arena.allocate(16 + 8L * request.wanted(), Long.BYTES);
                int id = 1;
                for (int i = 0; i < 80; i++) {
                    search.await(
                            transcript.model().pass().run(new int[] {id}, cache, 1), request, new int[] {id}, found);
                    transcript.note(found.toArray(ValueLayout.JAVA_INT));
                    id = found.get(ValueLayout.JAVA_INT, 16);
                }
            }
        });
    }

    @Test
    void anythingWithObservers() {
        anything((transcript, cache) -> transcript.model().backend().observe(transcript.observer()));
    }

    /** Not with an observer, who hears of what ran of them: less where operations are put off. */
    @Test
    void anythingWithTokensThatAreNotFinished() {
        anything((transcript, cache) ->
                layers(transcript, transcript.model().backend().embed(new int[] {9}), cache, 0, 3));
    }

    /** Many chunks of any size, sequences that begin, end and are truncated, and now and then something else. */
    private void anything(BiConsumer<Transcript, KvCache> somethingElse) {
        long seed = Seeds.next();
        System.out.println("CudaGraphsTest: " + Seeds.hint(seed));
        givesTheSameBits(transcript -> {
            SplittableRandom random = new SplittableRandom(seed);
            List<KvCache> caches = new ArrayList<>(List.of(cache(transcript), cache(transcript), cache(transcript)));
            for (int i = 0; i < 600; i++) {
                step(transcript, random, caches, somethingElse);
            }
            caches.forEach(KvCache::close);
        });
    }

    private void step(
            Transcript transcript,
            SplittableRandom random,
            List<KvCache> caches,
            BiConsumer<Transcript, KvCache> somethingElse) {
        int index = random.nextInt(caches.size());
        KvCache cache = caches.get(index);
        int[] tokens = random.ints(random.nextInt(1, 70), 3, 2000).toArray();
        switch (random.nextInt(20)) {
            case 0 -> {
                cache.truncate(Math.min(cache.length(), CAPACITY - 1));
                somethingElse.accept(transcript, cache);
            }
            case 1 -> cache.truncate(random.nextInt(cache.length() + 1));
            case 2 -> {
                cache.close();
                caches.set(index, cache(transcript));
            }
            case 3 -> {
                cache.truncate(Math.min(cache.length(), CAPACITY / 2));
                feed(transcript, cache, tokens);
            }
            default -> {
                cache.truncate(Math.min(cache.length(), CAPACITY - 1));
                feed(transcript, cache, tokens[0]);
            }
        }
    }
}
