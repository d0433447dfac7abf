package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.checkpoint.Seeds;
import dev.gatun.cpu.CpuException;
import dev.gatun.cpu.FloatMatrix;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.engine.BackendFailureException;
import dev.gatun.offload.CacheShape;
import dev.gatun.offload.ExclusiveLayout;
import dev.gatun.offload.ExpertCache;
import dev.gatun.offload.ExpertFetcher;
import dev.gatun.offload.ExpertStream;
import dev.gatun.offload.HostMode;
import dev.gatun.offload.LruPolicy;
import dev.gatun.offload.MissMode;
import dev.gatun.offload.PrefetchSettings;
import dev.gatun.offload.PromptRoads;
import dev.gatun.offload.RoadRates;
import dev.gatun.offload.RoadSpeed;
import dev.gatun.offload.RoadSplit;
import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.ExpertCut;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TileShape;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Chunks of a model of {@link WholeNumbers} whose experts are divided between a thread that does what a device does and the host's
 * side as it is: {@link ChoiceWait}, {@link ChoiceWords}, {@link HostExperts} and the fetcher. What the device does is the other
 * side of {@link HandOff}'s protocol.
 */
final class HandOffRun implements AutoCloseable {
    private static final VarHandle WORD = ValueLayout.JAVA_LONG.varHandle();
    private static final int LAYERS = 3;
    private static final int HIDDEN = 16;
    private static final int TOP_K = 2;
    private static final int EXPERTS = 8;
    private static final int MOST_TOKENS = 7;

    /** What the host's road takes for an expert, about. */
    private static final double USUAL_SECONDS = 200e-6;

    /** By how much the clock of the copies goes on when it is looked at, at most. */
    private static final int LOOK_NANOS = 100_000;

    private final String hint;
    private final SplittableRandom random;
    private final LateSteps steps;
    private final double failing;
    private final int parts;
    private final MemorySegment words;
    private final MemorySegment ended;
    private final ChoiceWords choices;
    private final ChoiceWait wait;
    private final LateStream device;
    private final CountedCopies copies;
    private final WholeNumberRoad road;
    private final ExpertFetcher fetcher;
    private final HostExperts host;
    private final ChunkChoices chunk = new ChunkChoices(MOST_TOKENS, EXPERTS, TOP_K);
    private final HandOff.HostSide handed;
    private final List<float[][]> expected = new ArrayList<>();
    private int tokens;
    private int sequence;
    private long now;
    private ExpertStream stream;

    /** The device's alone, [token][hidden] like what follows. */
    private final float[][] residual = new float[MOST_TOKENS][HIDDEN];

    private final float[][] normed = new float[MOST_TOKENS][HIDDEN];
    private final List<float[][]> actual = new ArrayList<>();
    private final List<String> late = new ArrayList<>();

    /**
     * Makes a run.
     *
     * @param mode where experts lie: inclusive, or exclusive, where they move from block to block
     * @param failing how often the host's threads fail, and how often what the device is asked for
     */
    HandOffRun(long seed, HostMode mode, double failing) {
        this.hint = Seeds.hint(seed);
        this.random = new SplittableRandom(seed);
        this.steps = new LateSteps(random.split());
        this.failing = failing;
        this.parts = random.nextInt(1, 4);
        Arena arena = Arena.ofAuto();
        this.words = arena.allocate((long) LAYERS * MOST_TOKENS * Long.BYTES, Long.BYTES);
        this.choices = new ChoiceWords(words, MOST_TOKENS, TOP_K);
        this.ended = arena.allocate(Long.BYTES, Long.BYTES);
        this.handed = new HandOff.HostSide(
                FloatMatrix.allocate(arena, MOST_TOKENS, HIDDEN),
                arena.allocate((long) MOST_TOKENS * TOP_K * Float.BYTES, Float.BYTES),
                TOP_K,
                FloatMatrix.allocate(arena, MOST_TOKENS, HIDDEN),
                new HostWord(ended));
        this.device = new LateStream(random.split());
        this.wait = new ChoiceWait(choices, device::isIdle, ignored -> {}, random.nextInt(1, 50));
        TileShape shape = new TileShape(TileFormat.Q2N, HIDDEN, HIDDEN, 0);
        ExpertCut cut = new ExpertCut(new ExpertBlock(shape, shape, shape), parts);
        long blockBytes = cut.block().bytes();
        ExpertCache cache = cache();
        Optional<ExclusiveLayout> layout = layout(mode, cache.shape());
        this.copies = layout.map(some -> copies(some, blockBytes)).orElseGet(() -> copies(cache.shape(), blockBytes));
        this.road = new WholeNumberRoad(handed, copies::expertIn, parts, failing, random.split());
        this.fetcher = layout.map(some -> ExpertFetcher.exclusive(
                        cache, copies, blockBytes, PrefetchSettings.of(0), some, split(blockBytes)))
                .orElseGet(
                        () -> new ExpertFetcher(cache, copies, blockBytes, PrefetchSettings.of(0), split(blockBytes)));
        this.host = new HostExperts(new Handed(), road, cut, () -> new PromptRoads(1, 1), random.nextInt(4) > 0);
    }

    private ExpertCache cache() {
        CacheShape shape = new CacheShape(
                LAYERS, EXPERTS, random.nextInt(LAYERS * EXPERTS), 2 * TOP_K, CacheShape.Sharing.PER_LAYER);
        return new ExpertCache(shape, new LruPolicy(shape.allExperts()), TOP_K);
    }

    private Optional<ExclusiveLayout> layout(HostMode mode, CacheShape shape) {
        return mode == HostMode.INCLUSIVE
                ? Optional.empty()
                : Optional.of(ExclusiveLayout.of(
                        shape, new LruPolicy(shape.allExperts()), random.nextInt(1, TOP_K + 1), TOP_K));
    }

    private CountedCopies copies(CacheShape shape, long blockBytes) {
        int[] inBlocks = IntStream.range(0, shape.allExperts()).toArray();
        return new CountedCopies(random.split(), device, blockBytes, inBlocks, new int[shape.allSlots()]);
    }

    private CountedCopies copies(ExclusiveLayout layout, long blockBytes) {
        int[] inBlocks = new int[layout.blocks()];
        int[] inSlots = new int[layout.slots()];
        for (int number = 0; number < LAYERS * EXPERTS; number++) {
            int block = layout.block(number / EXPERTS, number % EXPERTS);
            if (block == ExpertCache.NONE) {
                inSlots[layout.slot(number / EXPERTS, number % EXPERTS)] = number;
            } else {
                inBlocks[block] = number;
            }
        }
        return new CountedCopies(random.split(), device, blockBytes, inBlocks, inSlots);
    }

    private RoadSplit split(long blockBytes) {
        MissMode mode = random.nextBoolean() ? MissMode.CPU : MissMode.AUTO;
        RoadSpeed usual = new RoadSpeed(blockBytes / USUAL_SECONDS, 0);
        RoadSpeed link = new RoadSpeed(usual.bytesPerSecond() * random.nextDouble(0.1, 10), 0);
        SplittableRandom time = random.split();
        return new RoadSplit(mode, parts, new RoadRates(link, usual), 0, () -> now += time.nextInt(LOOK_NANOS));
    }

    /** How the host has the device add. */
    private final class Handed implements HandOff {
        @Override
        public HostSide host() {
            return handed;
        }

        @Override
        public void setRouter(KernelArguments router, int inputs, int weights) {
            throw new UnsupportedOperationException("there are no kernels");
        }

        @Override
        public void add(int token, DeviceFloats hidden, DeviceMemory error) {
            steps.pause();
            long number = handed.ended().number();
            device.put(() -> addOutputs(token, hidden.rows(), number));
        }
    }

    /** Runs chunks, and requires of each that did not fail what its own inputs give. */
    void check(int chunks) {
        for (int i = 0; i < chunks; i++) {
            try {
                runChunk();
            } catch (CpuException | BackendFailureException failed) {
                assertThat(failing).as("%s: %s", hint, failed).isPositive();
                recover();
            }
        }
        device.drain();
        assertThat(late).as(hint).isEmpty();
        assertThat(actual).as(hint).hasSameSizeAs(expected);
        for (int i = 0; i < expected.size(); i++) {
            assertThat(actual.get(i)).as("chunk %d, %s", i, hint).isDeepEqualTo(expected.get(i));
        }
    }

    /** As {@link OffloadedExperts#recover} does. */
    private void recover() {
        host.recover();
        fetcher.reset();
        choices.clear();
    }

    private void runChunk() {
        // Numbers come again, as they do after 255 chunks.
        sequence = random.nextInt(1, 3);
        tokens = random.nextInt(1, MOST_TOKENS + 1);
        boolean isPrompt = random.nextBoolean();
        float[][] inputs = new float[tokens][HIDDEN];
        for (float[] row : inputs) {
            for (int k = 0; k < HIDDEN; k++) {
                row[k] = random.nextInt(1024);
            }
        }
        int rows = tokens;
        float[][] embedded = copy(inputs, rows);
        device.put(() -> System.arraycopy(embedded, 0, residual, 0, rows));
        for (int layer = 0; layer < LAYERS; layer++) {
            runLayer(layer, isPrompt, inputs);
        }
        finish();
        device.put(() -> actual.add(copy(residual, rows)));
        expected.add(inputs);
    }

    private static float[][] copy(float[][] values, int rows) {
        float[][] copy = new float[rows][];
        for (int row = 0; row < rows; row++) {
            copy[row] = values[row].clone();
        }
        return copy;
    }

    /** What the host does in one layer, beginning behind the adding of the one before; the device follows as it can. */
    private void runLayer(int layer, boolean isPrompt, float[][] inputs) {
        int[][] ids = new int[tokens][TOP_K];
        for (int[] chosen : ids) {
            chosen[0] = random.nextInt(EXPERTS);
            chosen[1] = (chosen[0] + 1 + random.nextInt(EXPERTS - 1)) % EXPERTS;
        }
        int number = sequence;
        device.put(() -> route(layer, number, ids));
        finish();
        wait.await(layer, tokens, sequence);
        steps.pause();
        if (isPrompt) {
            runPrompt(layer);
        } else {
            for (int token = 0; token < tokens; token++) {
                runToken(layer, token, ids[token]);
            }
        }
        for (int token = 0; token < tokens; token++) {
            advance(inputs[token], layer, ids[token]);
        }
    }

    /** As {@link TokenExperts} does. */
    private void runToken(int layer, int token, int[] ids) {
        finish();
        int[] chosen = new int[EXPERTS];
        int count = choices.take(layer, token, 1, chosen);
        assertThat(chosen).as(hint).startsWith(ids);
        int[] slots = new int[EXPERTS];
        int[] leading = new int[EXPERTS];
        fetcher.fetch(
                layer, chosen, count, slots, leading, () -> host.begin(layer, token, chosen, leading, count, fetcher));
        steps.pause();
        failAtTimes();
        device.put(() -> compute(layer, token, chosen, leading));
        if (host.isBegun()) {
            fetcher.putIn();
            addFromHost(token);
        } else {
            fetcher.computed();
        }
    }

    private void addFromHost(int token) {
        if (!host.isAwaited()) {
            finish();
        }
        host.add(token, new DeviceFloats(null, 1, HIDDEN), null);
        failAtTimes();
    }

    private void finish() {
        if (host.isBegun()) {
            host.finish(fetcher);
            fetcher.computed();
        }
    }

    /** While the host computes. */
    private void failAtTimes() {
        if (host.isBegun() && random.nextDouble() < failing) {
            BackendFailureException failure = new BackendFailureException("the device fails");
            host.abandon(failure);
            throw failure;
        }
    }

    /** As {@link PromptExperts} does, with any of the absent experts left to the host. */
    private void runPrompt(int layer) {
        chunk.take(choices, layer, tokens);
        stream = layer == 0 ? fetcher.stream(false) : stream;
        int[] absent = new int[EXPERTS];
        int left = random.nextInt(stream.absent(layer, chunk.experts(), chunk.count(), absent) + 1);
        chunk.without(absent, left);
        stream.begin(layer, chunk.experts(), chunk.count(), new int[EXPERTS], new int[EXPERTS]);
        while (stream.next()) {
            stream.done(stream.slot());
        }
        for (int i = 0; i < chunk.count(); i++) {
            int expert = chunk.experts()[i];
            for (int token = 0; token < tokens; token++) {
                int row = token;
                if (chunk.rank(token, expert) >= 0) {
                    device.put(() -> addParts(layer, row, expert, parts));
                }
            }
        }
        steps.pause();
        if (left > 0) {
            long bytes =
                    host.runPrompt(layer, chunk, absent, left, fetcher, new DeviceFloats(null, tokens, HIDDEN), null);
            stream.hostComputed(left, bytes, 1);
        }
        if (layer == LAYERS - 1) {
            stream.close();
        }
    }

    /** What a layer must make of a row. */
    private void advance(float[] row, int layer, int[] ids) {
        for (int k = 0; k < HIDDEN; k++) {
            float x = WholeNumbers.normed(row[k], layer, sequence);
            for (int id : ids) {
                int number = layer * EXPERTS + id;
                row[k] = WholeNumbers.plus(
                        row[k], WholeNumbers.weight(number) * WholeNumbers.parts(number, 0, parts, x));
            }
        }
    }

    /** Steps of the router's blocks, the word of each last; tokens in any order. */
    private void route(int layer, int number, int[][] ids) {
        for (int i = 0; i < ids.length; i++) {
            int token = number % 2 == 0 ? i : ids.length - 1 - i;
            for (int k = 0; k < HIDDEN; k++) {
                normed[token][k] = WholeNumbers.normed(residual[token][k], layer, number);
                handed.inputs().set(token, k, normed[token][k]);
                if (k % 5 == 0) {
                    device.steps().pause();
                }
            }
            for (int rank = 0; rank < TOP_K; rank++) {
                float weight = WholeNumbers.weight(layer * EXPERTS + ids[token][rank]);
                handed.weight(token, rank).set(ValueLayout.JAVA_FLOAT, 0, weight);
            }
            device.steps().pause();
            long word = number | (long) ids[token][0] << 8 | (long) ids[token][1] << 15;
            WORD.setRelease(words, ((long) layer * MOST_TOKENS + token) * Long.BYTES, word);
        }
    }

    private void compute(int layer, int token, int[] chosen, int[] leading) {
        for (int rank = 0; rank < TOP_K; rank++) {
            addParts(layer, token, chosen[rank], leading[rank]);
        }
    }

    private void addParts(int layer, int token, int expert, int count) {
        int number = layer * EXPERTS + expert;
        for (int k = 0; k < HIDDEN; k++) {
            float more = WholeNumbers.weight(number) * WholeNumbers.parts(number, 0, count, normed[token][k]);
            residual[token][k] = WholeNumbers.plus(residual[token][k], more);
        }
    }

    private void addOutputs(int first, int rows, long number) {
        long begin = System.nanoTime();
        while ((long) WORD.getAcquire(ended, 0L) < number) {
            if (System.nanoTime() - begin > HandOff.PATIENCE.toNanos()) {
                late.add("the device waited in vain for part " + number);
                return;
            }
            device.steps().pause();
        }
        for (int token = first; token < first + rows; token++) {
            for (int k = 0; k < HIDDEN; k++) {
                device.steps().pause();
                float more = handed.outputs().get(token, k);
                residual[token][k] = WholeNumbers.plus(residual[token][k], more);
            }
        }
    }

    @Override
    public void close() {
        device.close();
        road.close();
    }
}
