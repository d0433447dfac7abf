package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.checkpoint.Seeds;
import dev.gatun.cpu.FloatMatrix;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.SplittableRandom;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/**
 * The protocol of {@link HandOff} between two threads, one of which does what the device does, with delays at every step. The
 * memory is the host's own, so what is tested is the order of the steps, and the host's side as it is.
 */
class HandOffTest {
    private static final VarHandle WORD = ValueLayout.JAVA_LONG.varHandle();
    private static final int LAYERS = 3;
    private static final int HIDDEN = 16;
    private static final int TOP_K = 2;
    private static final int EXPERTS = 8;

    @Test
    void everyLayerIsComputedFromItsOwnInputsHoweverLateEachStepIs() throws Exception {
        for (int round = 0; round < 40; round++) {
            long seed = Seeds.next();
            try (ExecutorService threads = Executors.newSingleThreadExecutor()) {
                new Run(new SplittableRandom(seed), Seeds.hint(seed)).check(threads);
            }
        }
    }

    /** Random pauses: none, a few nanoseconds, or long enough for the other side to do several steps. */
    private static final class Delays {
        private final SplittableRandom random;

        Delays(SplittableRandom random) {
            this.random = random;
        }

        void pause() {
            switch (random.nextInt(6)) {
                case 0 -> LockSupport.parkNanos(random.nextInt(1, 200_000));
                case 1 -> LockSupport.parkNanos(1);
                case 2 -> {
                    for (int spins = random.nextInt(200); spins > 0; spins--) {
                        Thread.onSpinWait();
                    }
                }
                default -> {}
            }
        }
    }

    private static final class Run {
        private final String hint;
        private final int tokens;
        private final int chunks;
        private final SplittableRandom random;
        private final MemorySegment words;
        private final ChoiceWords choices;
        private final HandOff.HostSide host;
        private final BlockingQueue<Runnable> stream = new LinkedBlockingQueue<>();
        private final Delays deviceDelays;
        private final Delays hostDelays;
        /** The device's alone. */
        private final float[][] residual;

        Run(SplittableRandom random, String hint) {
            this.hint = hint;
            this.random = random;
            tokens = random.nextInt(1, 4);
            chunks = random.nextInt(1, 6);
            Arena arena = Arena.ofAuto();
            words = arena.allocate((long) LAYERS * tokens * Long.BYTES, Long.BYTES);
            choices = new ChoiceWords(words, tokens, TOP_K);
            host = new HandOff.HostSide(
                    FloatMatrix.allocate(arena, tokens, HIDDEN),
                    arena.allocate((long) tokens * TOP_K * Float.BYTES, Float.BYTES),
                    TOP_K,
                    FloatMatrix.allocate(arena, tokens, HIDDEN));
            deviceDelays = new Delays(random.split());
            hostDelays = new Delays(random.split());
            residual = new float[tokens][HIDDEN];
        }

        void check(ExecutorService threads) throws InterruptedException, ExecutionException, TimeoutException {
            Future<?> device = threads.submit(this::runDevice);
            float[][] expected = new float[tokens][HIDDEN];
            int sequence = 1;
            for (int chunk = 0; chunk < chunks; chunk++) {
                sequence = ChoiceWords.next(sequence);
                for (int layer = 0; layer < LAYERS; layer++) {
                    runLayer(layer, sequence, expected);
                }
            }
            stream.add(() -> Thread.currentThread().interrupt());
            device.get(20, TimeUnit.SECONDS);
            for (int token = 0; token < tokens; token++) {
                assertThat(residual[token]).as(hint).containsExactly(expected[token]);
            }
        }

        private void runDevice() {
            while (!Thread.currentThread().isInterrupted()) {
                Runnable work = stream.poll();
                if (work != null) {
                    deviceDelays.pause();
                    work.run();
                }
            }
        }

        /** What the host does in one layer; the device follows as it can. */
        private void runLayer(int layer, int sequence, float[][] expected) {
            int[] ids = {random.nextInt(EXPERTS), 0};
            ids[1] = (ids[0] + 1 + random.nextInt(EXPERTS - 1)) % EXPERTS;
            stream.add(() -> route(layer, sequence, ids));
            while (!choices.isThere(layer, tokens, sequence)) {
                assertThat(stream.size()).as("the router is in the stream").isLessThanOrEqualTo(1 + tokens);
                Thread.onSpinWait();
            }
            for (int token = 0; token < tokens; token++) {
                hostDelays.pause();
                int[] chosen = new int[EXPERTS];
                assertThat(choices.take(layer, token, 1, chosen)).isEqualTo(TOP_K);
                assertThat(chosen).startsWith(ids);
                if (random.nextInt(3) > 0) {
                    compute(token, chosen);
                    advance(layer, sequence, chosen, expected[token]);
                    int row = token;
                    stream.add(() -> add(row));
                }
            }
        }

        /** Steps of the router's block, the word last. */
        private void route(int layer, int sequence, int[] ids) {
            for (int token = 0; token < tokens; token++) {
                for (int k = 0; k < HIDDEN; k++) {
                    host.inputs().set(token, k, normed(residual[token][k], layer, sequence));
                    if (k % 5 == 0) {
                        deviceDelays.pause();
                    }
                }
                for (int rank = 0; rank < TOP_K; rank++) {
                    host.weight(token, rank).set(ValueLayout.JAVA_FLOAT, 0, weight(ids[rank], layer));
                }
                deviceDelays.pause();
                long word = sequence | (long) ids[0] << 8 | (long) ids[1] << 15;
                WORD.setRelease(words, ((long) layer * tokens + token) * Long.BYTES, word);
            }
        }

        /** Something whole numbers do exactly, of inputs, weights and ids. */
        private void compute(int token, int[] chosen) {
            host.clear(token);
            for (int rank = 0; rank < TOP_K; rank++) {
                float weight = host.weight(token, rank).get(ValueLayout.JAVA_FLOAT, 0);
                for (int k = 0; k < HIDDEN; k++) {
                    float more = weight * (host.inputs().get(token, k) + chosen[rank]);
                    host.outputs().set(token, k, host.outputs().get(token, k) + more);
                }
                hostDelays.pause();
            }
        }

        /** The same from what the device must have had. */
        private static void advance(int layer, int sequence, int[] chosen, float[] expected) {
            for (int k = 0; k < HIDDEN; k++) {
                float sum = 0;
                for (int rank = 0; rank < TOP_K; rank++) {
                    sum += weight(chosen[rank], layer) * (normed(expected[k], layer, sequence) + chosen[rank]);
                }
                expected[k] = (expected[k] + sum) % 1024;
            }
        }

        private void add(int token) {
            for (int k = 0; k < HIDDEN; k++) {
                deviceDelays.pause();
                residual[token][k] = (residual[token][k] + host.outputs().get(token, k)) % 1024;
            }
        }

        private static float normed(float value, int layer, int sequence) {
            return (value + 31 * layer + 7 * sequence) % 64;
        }

        private static float weight(int expert, int layer) {
            return 1 + (expert + layer) % 4;
        }
    }
}
