package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.RequiresGpu;
import dev.gatun.engine.KvCache;
import dev.gatun.engine.KvPrecision;
import dev.gatun.engine.OpenModel;
import dev.gatun.engine.ReferenceSuite.Which;
import dev.gatun.offload.CacheShape;
import dev.gatun.offload.HostMode;
import dev.gatun.offload.MemoryPlan;
import dev.gatun.offload.MissMode;
import dev.gatun.offload.ModelSizes;
import dev.gatun.offload.OffloadOptions;
import dev.gatun.offload.PlanException;
import dev.gatun.offload.PolicyKind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** The quantized reference model gives the same bits wherever its experts lie. */
@RequiresGpu
@Execution(ExecutionMode.SAME_THREAD)
class CudaOffloadTest {
    private static final int SETTINGS = Integer.getInteger("gatun.test.cases", 48);
    private static final int CAPACITY = 512;

    /** Prompts of all kinds of chunks: few tokens, those whose routers are awaited, and more. */
    private static final int[] PROMPTS = SETTINGS < 10 ? new int[] {1, 9, 70} : new int[] {1, 7, 8, 9, 20, 64, 300};

    private static final int STEPS = SETTINGS < 10 ? 3 : 12;

    private static OpenModel open(OffloadOptions options) {
        return QuantizedOnGpu.open(options, CudaOptions.defaults());
    }

    /** The logits of prompts and what follows them, two sequences side by side at last. */
    private static List<float[]> transcript(OpenModel model) {
        List<float[]> transcript = new ArrayList<>();
        Random random = new Random(5);
        for (int length : PROMPTS) {
            int[] prompt = random.ints(length, 3, 2000).toArray();
            try (KvCache cache = model.backend().newKvCache(CAPACITY, KvPrecision.F16)) {
                float[] logits = model.feed(cache, prompt);
                transcript.add(logits);
                for (int step = 0; step < STEPS; step++) {
                    logits = model.feed(cache, OpenModel.likeliest(logits));
                    transcript.add(logits);
                }
            }
        }
        return transcript;
    }

    @Test
    void theSameBitsForEverySetting() {
        List<float[]> expected;
        try (OpenModel resident = open(OffloadOptions.defaults())) {
            expected = transcript(resident);
        }
        Random random = new Random(11);
        for (int i = 0; i < SETTINGS; i++) {
            OffloadOptions options = setting(random, i);
            try (OpenModel model = open(options)) {
                List<float[]> actual = transcript(model);
                for (int step = 0; step < expected.size(); step++) {
                    assertThat(Arrays.equals(actual.get(step), expected.get(step)))
                            .as("step %d of %s", step, options)
                            .isTrue();
                }
            }
        }
    }

    @Test
    void embeddingsThatCannotBePinnedLieOnTheDeviceAndThatIsSaid() {
        OffloadOptions options = OffloadOptions.defaults().withMostSlots(17).withMisses(MissMode.FETCH);
        try (OpenModel pinned = open(options);
                OpenModel refused = QuantizedOnGpu.open(
                        options, CudaOptions.defaults(), refusingTheFirst(PieceAllocator.of(CudaDevice.open(0))))) {
            List<float[]> expected = transcript(pinned);
            List<float[]> actual = transcript(refused);
            for (int step = 0; step < expected.size(); step++) {
                assertThat(actual.get(step)).containsExactly(expected.get(step));
            }
            assertThat(refused.backend().notes())
                    .singleElement()
                    .asString()
                    .startsWith("host memory: the embeddings could not be pinned");
            assertThat(pinned.backend().notes()).isEmpty();
            assertThat(pinned.backend().hostMemory())
                    .isGreaterThan(refused.backend().hostMemory());
        }
    }

    @Test
    void embeddingsThatMakeRoomForAllExpertsAreCountedAndChangeNoBit() {
        OffloadOptions tight = OffloadOptions.defaults().withContext(CAPACITY).withGpuMemory(oneByteLessThanIsNeeded());
        try (OpenModel resident = open(OffloadOptions.defaults());
                OpenModel pinned = open(tight)) {
            assertThat(pinned.backend().offloadCounts()).isEmpty();
            assertThat(pinned.backend().hostMemory()).isPositive();
            assertThat(resident.backend().hostMemory()).isZero();
            List<float[]> expected = transcript(resident);
            List<float[]> actual = transcript(pinned);
            for (int step = 0; step < expected.size(); step++) {
                assertThat(actual.get(step)).containsExactly(expected.get(step));
            }
        }
    }

    /** With the embeddings on the device too. */
    private static long oneByteLessThanIsNeeded() {
        try (Checkpoint checkpoint = Checkpoint.open(Which.QUANTIZED.folder().model())) {
            ModelSizes sizes =
                    CudaModel.of(checkpoint.config(), checkpoint.weights()).sizes();
            return MemoryPlan.RUNTIME + sizes.resident(CAPACITY) - 1;
        }
    }

    /** Embeddings are pinned before experts. */
    private static PieceAllocator refusingTheFirst(PieceAllocator system) {
        AtomicBoolean refused = new AtomicBoolean();
        return bytes -> refused.getAndSet(true) ? system.pinned(bytes) : Optional.empty();
    }

    @Test
    void itIsSaidWhereExpertsLie() {
        OffloadOptions some = OffloadOptions.defaults().withMostSlots(17);
        try (OpenModel inclusive = open(some.withHostMode(HostMode.INCLUSIVE));
                OpenModel exclusive = open(some.withHostMode(HostMode.EXCLUSIVE))) {
            assertThat(inclusive.backend().description())
                    .endsWith(", 17 of 40 experts on the GPU, all in host memory)");
            assertThat(exclusive.backend().description()).endsWith(", the others in host memory: exclusive)");
        }
    }

    @Tag("model") // tools that check memory take some of the device's for themselves
    @Test
    void cachesStayInsideTheBudget() {
        long budget = 2L << 30;
        int tokens = 1 << 15;
        OffloadOptions options = OffloadOptions.defaults()
                .withGpuMemory(budget)
                .withContext(tokens)
                .withMostSlots(17);
        try (OpenModel model = open(options)) {
            List<KvCache> caches = new ArrayList<>();
            try {
                assertThatThrownBy(() -> {
                            while (caches.size() < 10_000) {
                                caches.add(model.backend().newKvCache(tokens, KvPrecision.F16));
                            }
                        })
                        .isInstanceOf(PlanException.class)
                        .hasMessageStartingWith("context: the keys and values of 32768 tokens");
                assertThat(caches).isNotEmpty();
                assertThat(model.backend().offloadCounts().orElseThrow().gpuMemory())
                        .isLessThanOrEqualTo(budget + (64L << 20));
                caches.removeLast().close();
                caches.add(model.backend().newKvCache(tokens, KvPrecision.F16));
            } finally {
                caches.forEach(KvCache::close);
            }
        }
    }

    /** Kernels that needed more local memory than is kept would have the driver take it now. */
    @Tag("model") // as above
    @Test
    void computingTakesNoMemoryThatWasNotCounted() {
        CudaDevice device = CudaDevice.open(0);
        try (OpenModel model = open(OffloadOptions.defaults().withMostSlots(17));
                KvCache cache = model.backend().newKvCache(CAPACITY, KvPrecision.F16)) {
            long before = device.freeMemory();
            for (int length : new int[] {1, 2, 4, 8, 20, 70}) {
                model.feed(cache, new Random(length).ints(length, 3, 2000).toArray());
            }
            assertThat(before - device.freeMemory()).isLessThan(16L << 20);
        }
    }

    private static OffloadOptions setting(Random random, int number) {
        int all = 40;
        PolicyKind[] policies = {PolicyKind.LRU, PolicyKind.LFU, PolicyKind.FIFO};
        CacheShape.Sharing[] sharings = CacheShape.Sharing.values();
        HostMode[] modes = {HostMode.INCLUSIVE, HostMode.EXCLUSIVE};
        return OffloadOptions.defaults()
                .withMisses(MissMode.FETCH)
                .withMostSlots(number == 0 ? 0 : random.nextInt(all))
                .withPolicy(policies[random.nextInt(policies.length)])
                .withSharing(sharings[random.nextInt(sharings.length)])
                .withPrefetch(random.nextInt(4))
                .withLayersAhead(1 + random.nextInt(3))
                .withHostMode(modes[random.nextInt(modes.length)]);
    }
}
