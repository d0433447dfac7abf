package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.RequiresGpu;
import dev.gatun.engine.KvCache;
import dev.gatun.engine.KvPrecision;
import dev.gatun.engine.OpenModel;
import dev.gatun.engine.ReferenceSuite.Which;
import dev.gatun.engine.cuda.BreakablePinning.BrokenCopyException;
import dev.gatun.offload.HostMode;
import dev.gatun.offload.MissMode;
import dev.gatun.offload.OffloadOptions;
import dev.gatun.offload.RoutingTrace;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** After a chunk that failed or was given up, the model says what it would have said without it. */
@Tag("model")
@RequiresGpu
@Execution(ExecutionMode.SAME_THREAD)
class OffloadFailureTest {
    private static final int CAPACITY = 512;
    private static final int STEPS = 10;

    /** So few that every token of a text misses. */
    private static final int SLOTS = 7;

    /** Chunks whose tokens are computed one by one, whose routers are awaited, and whose experts are all streamed. */
    private static final int[] PROMPTS = {1, 8, 9, 30, 64, 300};

    /** Copies that pass before one fails. */
    private static final int[] GOOD = {0, 1, 4, 11};

    private static final OffloadOptions[] SETTINGS = {
        setting(HostMode.INCLUSIVE, 0),
        setting(HostMode.INCLUSIVE, 2),
        setting(HostMode.EXCLUSIVE, 0),
        setting(HostMode.EXCLUSIVE, 3),
        setting(HostMode.EXCLUSIVE, 1)
                .withPlacement(new RoutingTrace("text", 5, 8, 2, new int[] {7, 6, 5, 4, 3, 2, 1, 0, 6, 4}))
    };

    private static List<float[]> expected;

    private static OffloadOptions setting(HostMode mode, int prefetch) {
        return OffloadOptions.defaults()
                .withMisses(MissMode.FETCH)
                .withMostSlots(SLOTS)
                .withHostMode(mode)
                .withPrefetch(prefetch);
    }

    @BeforeAll
    static void askAResidentModel() {
        try (OpenModel resident = open(OffloadOptions.defaults(), PieceAllocator.of(CudaDevice.open(0)))) {
            assertThat(resident.backend().offloadCounts()).isEmpty();
            assertThat(resident.backend().hostMemory()).isZero();
            expected = transcript(resident);
        }
    }

    private static OpenModel open(OffloadOptions options, PieceAllocator pinning) {
        return QuantizedOnGpu.open(options, CudaOptions.defaults(), pinning);
    }

    private static int[] prompt(int length) {
        return new Random(length).ints(length, 3, 2000).toArray();
    }

    private static KvCache newCache(OpenModel model) {
        return model.backend().newKvCache(CAPACITY, KvPrecision.F16);
    }

    private static List<float[]> transcript(OpenModel model) {
        List<float[]> transcript = new ArrayList<>();
        for (int length : PROMPTS) {
            transcript.addAll(transcript(model, length));
        }
        return transcript;
    }

    /** A prompt's logits, and those of what follows it. */
    private static List<float[]> transcript(OpenModel model, int length) {
        List<float[]> transcript = new ArrayList<>();
        try (KvCache cache = newCache(model)) {
            transcript.add(model.feed(cache, prompt(length)));
            for (int step = 0; step < STEPS; step++) {
                transcript.add(model.feed(cache, OpenModel.likeliest(transcript.getLast())));
            }
        }
        return transcript;
    }

    private static void assertSame(List<float[]> actual, List<float[]> expected, String when) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < expected.size(); i++) {
            assertThat(Arrays.equals(actual.get(i), expected.get(i)))
                    .as("logits %d %s", i, when)
                    .isTrue();
        }
    }

    /** What a resident model says to the prompt of that number. */
    private static List<float[]> expected(int number) {
        return expected.subList(number * (STEPS + 1), (number + 1) * (STEPS + 1));
    }

    @Test
    void aCopyThatFailsInAPrompt() {
        for (OffloadOptions options : SETTINGS) {
            BreakablePinning pinning = new BreakablePinning(PieceAllocator.of(CudaDevice.open(0)));
            try (OpenModel model = open(options, pinning)) {
                for (int i = 0; i < PROMPTS.length; i++) {
                    for (int good : GOOD) {
                        failInPrompts(model, pinning, good, PROMPTS[i]);
                        int other = (i + 1) % PROMPTS.length;
                        assertSame(
                                transcript(model, PROMPTS[other]),
                                expected(other),
                                "after a prompt of %d tokens, whose copy %d failed: %s"
                                        .formatted(PROMPTS[i], good, options));
                    }
                }
                assertSame(transcript(model), expected, "at last: " + options);
            }
        }
    }

    /** Begins prompts until a copy fails: a short one can find all of its experts. */
    private static void failInPrompts(OpenModel model, BreakablePinning pinning, int good, int length) {
        pinning.breakAfter(good, 1);
        boolean failed = false;
        for (int i = 0; i < 100 && !failed; i++) {
            try (KvCache cache = newCache(model)) {
                model.feed(cache, new Random(i).ints(length, 3, 2000).toArray());
            } catch (BrokenCopyException wanted) {
                failed = true;
            }
        }
        assertThat(failed).isTrue();
        assertThat(pinning.isMended()).isTrue();
        pinning.mend();
    }

    /** The token is fed again, as often as it fails. */
    @Test
    void copiesThatFailWhileTokensAreGenerated() {
        for (OffloadOptions options : SETTINGS) {
            BreakablePinning pinning = new BreakablePinning(PieceAllocator.of(CudaDevice.open(0)));
            int failures = 0;
            try (OpenModel model = open(options, pinning)) {
                for (int i = 0; i < PROMPTS.length; i++) {
                    for (int bad = 1; bad <= 4; bad++) {
                        failures += generate(model, pinning, i, bad, options);
                    }
                }
            }
            assertThat(failures).as("%s", options).isGreaterThan(PROMPTS.length);
        }
    }

    /** Returns how many copies failed. */
    private static int generate(
            OpenModel model, BreakablePinning pinning, int number, int bad, OffloadOptions options) {
        int failures = 0;
        List<float[]> said = new ArrayList<>();
        try (KvCache cache = newCache(model)) {
            said.add(model.feed(cache, prompt(PROMPTS[number])));
            for (int step = 0; step < STEPS; step++) {
                pinning.breakAfter(GOOD[step % GOOD.length], bad);
                Optional<float[]> logits = Optional.empty();
                while (logits.isEmpty()) {
                    logits = tryToFeed(model, cache, OpenModel.likeliest(said.getLast()));
                    failures += logits.isEmpty() ? 1 : 0;
                    assertThat(failures).isLessThanOrEqualTo((step + 1) * bad);
                }
                said.add(logits.get());
                pinning.mend();
            }
        }
        assertSame(said, expected(number), "of prompt %d, %d copies failing: %s".formatted(number, bad, options));
        return failures;
    }

    private static Optional<float[]> tryToFeed(OpenModel model, KvCache cache, int token) {
        int before = cache.length();
        try {
            return Optional.of(model.feed(cache, token));
        } catch (BrokenCopyException wanted) {
            cache.truncate(before);
            return Optional.empty();
        }
    }

    @Test
    void chunksThatAreGivenUpBetweenAnyTwoOperations() {
        for (OffloadOptions options : SETTINGS) {
            try (OpenModel model = open(options, PieceAllocator.of(CudaDevice.open(0)))) {
                int operations = GivenUpChunk.operations(model);
                for (int i = 0; i < PROMPTS.length; i++) {
                    for (int done = 1; done <= operations; done++) {
                        try (KvCache cache = newCache(model)) {
                            GivenUpChunk.run(model, cache, prompt(PROMPTS[i]), done);
                        }
                        int other = (i + done) % PROMPTS.length;
                        assertSame(
                                transcript(model, PROMPTS[other]),
                                expected(other),
                                "after %d operations of %d tokens: %s".formatted(done, PROMPTS[i], options));
                    }
                }
            }
        }
    }

    @Test
    void memoryThatIsNotOrNotAllPageLocked() {
        for (OffloadOptions options : SETTINGS) {
            for (int locked : new int[] {0, 1, 9}) {
                Scarce pinning = new Scarce(locked);
                try (OpenModel model = open(options, pinning)) {
                    assertThat(pinning.refused).isTrue();
                    assertThat(pinning.granted).isEqualTo(locked);
                    assertSame(transcript(model), expected, "with %d blocks locked: %s".formatted(locked, options));
                }
            }
        }
    }

    /** Locks so many blocks, each by itself, and no more. */
    private static final class Scarce implements PieceAllocator {
        private final PieceAllocator system = PieceAllocator.of(CudaDevice.open(0));
        private final long most = blockBytes();
        private final int blocks;
        private int granted;
        private boolean refused;

        Scarce(int blocks) {
            this.blocks = blocks;
        }

        private static long blockBytes() {
            try (Checkpoint checkpoint =
                    Checkpoint.open(Which.QUANTIZED.folder().model())) {
                return CudaModel.of(checkpoint.config(), checkpoint.weights())
                        .experts()
                        .orElseThrow()
                        .block()
                        .bytes();
            }
        }

        @Override
        public Optional<HostPiece> pinned(long bytes) {
            if (bytes > most || granted == blocks) {
                refused = true;
                return Optional.empty();
            }
            granted++;
            return system.pinned(bytes);
        }
    }
}
