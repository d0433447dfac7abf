package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.engine.BackendFailureException;
import dev.gatun.engine.OffloadCounts;
import dev.gatun.offload.CacheShape;
import dev.gatun.offload.ExpertFetcher;
import dev.gatun.offload.ExpertStream;
import dev.gatun.offload.FetchCounts;
import dev.gatun.offload.MemoryPlan;
import dev.gatun.offload.RoadCounts;
import java.util.Arrays;
import java.util.Optional;

/**
 * The experts of a model that do not all fit the device. For few tokens the host waits for each layer's choice, which the
 * router publishes in mapped memory, has what is absent copied, and puts the computing in behind the copies; it never waits
 * for a stream. For many tokens every expert is chosen by someone, so all are streamed through without asking.
 */
final class OffloadedExperts {
    private static final int SPINS_PER_LOOK_AT_THE_STREAM = 1 << 14;

    /** Chunks in which an expert is idle less often than this are treated as if none ever were. */
    private static final double RARELY = 1e-4;

    private final MemoryPlan plan;
    private final CudaStream computing;
    private final int layers;
    private final PublishedChoices choices;
    private final Optional<GuessedChoices> guesses;
    private final SlotTable table;
    private final ExpertFetcher fetcher;
    private final PinnedStore store;
    private final Optional<OffloadTimes> times;
    private final PassClock clock;
    private final int[] chosen;
    private final int[] slots;
    private final int[] needed;
    private ExpertStream stream;
    private long hitLayers;

    OffloadedExperts(
            MemoryPlan plan,
            CudaStream computing,
            int layers,
            int experts,
            PublishedChoices choices,
            Optional<GuessedChoices> guesses,
            SlotTable table,
            ExpertFetcher fetcher,
            PinnedStore store,
            Optional<OffloadTimes> times) {
        this.plan = plan;
        this.computing = computing;
        this.layers = layers;
        this.choices = choices;
        this.guesses = guesses;
        this.table = table;
        this.fetcher = fetcher;
        this.store = store;
        this.times = times;
        this.clock = times.<PassClock>map(OffloadTimes::pass).orElse(PassClock.NONE);
        this.chosen = new int[experts];
        this.slots = new int[experts];
        this.needed = new int[experts];
    }

    /** What goes where. */
    MemoryPlan plan() {
        return plan;
    }

    /** The slots. */
    CacheShape shape() {
        return fetcher.shape();
    }

    /** What is to hear of the parts of each pass. */
    PassClock clock() {
        return clock;
    }

    /** The most tokens whose choices are waited for, so that in larger chunks hardly ever an expert is idle. */
    static int mostAwaited(int experts, int expertsPerToken, int maxChunk) {
        double passedOver = 1 - (double) expertsPerToken / experts;
        if (passedOver == 0) {
            return Math.min(TokenVariants.MOST, maxChunk);
        }
        int tokens = (int) Math.ceil(Math.log(RARELY / experts) / Math.log(passedOver));
        return Math.clamp(tokens, TokenVariants.MOST, maxChunk);
    }

    /** Where the router of a layer publishes the choice of so many tokens, if that is waited for. */
    Optional<PublishedChoices> published(int tokens) {
        return tokens <= choices.tokens() ? Optional.of(choices) : Optional.empty();
    }

    /** What the next layers will choose, if that is guessed for so many tokens. */
    Optional<GuessedChoices> guesses(int tokens) {
        return guesses.filter(
                guessed -> tokens <= TokenVariants.MOST && fetcher.control().most() > 0);
    }

    /**
     * hidden += the weighted sum of the chosen experts.
     *
     * @param sequence the chunk's sequence number
     */
    void run(
            int layer,
            int sequence,
            TiledExperts operation,
            CudaRouting routing,
            DeviceFloats hidden,
            DeviceMemory error) {
        int tokens = hidden.rows();
        if (tokens <= choices.tokens()) {
            awaitChoice(layer, tokens, sequence);
        }
        if (tokens <= TokenVariants.MOST) {
            for (int token = 0; token < tokens; token++) {
                runToken(layer, token, operation.few(), routing, hidden, error);
            }
            goOnWithGuesses(sequence);
        } else {
            runMany(layer, operation.many(), routing, hidden, error);
        }
    }

    /** What the next layer was guessed to choose came right after this one's choice. */
    private void goOnWithGuesses(int sequence) {
        guesses.ifPresent(guessed -> {
            guessed.deliver(sequence, fetcher);
            fetcher.pump();
        });
    }

    /** One token's experts are all that need to be there at once. */
    private void runToken(
            int layer,
            int token,
            DecodeExperts operation,
            CudaRouting routing,
            DeviceFloats hidden,
            DeviceMemory error) {
        int count = choices.take(layer, token, 1, chosen);
        clock.enter(Part.HOST);
        if (fetcher.fetch(layer, chosen, count, slots)) {
            hitLayers++;
        } else {
            clock.waited();
        }
        clock.enter(Part.EXPERTS);
        place(layer, count);
        operation.runToken(table.row(layer), token, routing, hidden, error);
        fetcher.computed();
    }

    /** Notes that the first {@code count} of the chosen experts lie in the first slots. */
    private void place(int layer, int count) {
        boolean moved = false;
        for (int i = 0; i < count; i++) {
            moved |= table.place(layer, chosen[i], slots[i]);
        }
        if (moved) {
            table.upload(layer);
        }
    }

    private void runMany(
            int layer, BatchExperts operation, CudaRouting routing, DeviceFloats hidden, DeviceMemory error) {
        int tokens = hidden.rows();
        boolean isAll = tokens > choices.tokens();
        int count = isAll ? all(needed) : choices.take(layer, 0, tokens, needed);
        if (layer == 0) {
            stream = fetcher.stream(isAll);
        }
        clock.enter(Part.EXPERTS);
        BatchExperts.Chunk chunk = operation.begin(routing, error);
        clock.enter(Part.WAITING);
        int resident = stream.begin(layer, needed, count, chosen, slots);
        clock.enter(Part.EXPERTS);
        place(layer, resident);
        multiplyRuns(layer, resident, operation, chunk);
        while (next()) {
            chosen[0] = stream.expert();
            slots[0] = stream.slot();
            place(layer, 1);
            operation.multiply(chunk, table.row(layer), stream.expert(), 1);
            stream.done(stream.slot());
        }
        operation.finish(chunk, hidden);
        if (layer == layers - 1) {
            stream.close();
        }
    }

    /** Goes to the next expert that is uploaded. Whatever the device waits for before that, it is for the upload. */
    private boolean next() {
        clock.enter(Part.WAITING);
        boolean some = stream.next();
        clock.enter(Part.EXPERTS);
        return some;
    }

    private int all(int[] experts) {
        for (int expert = 0; expert < experts.length; expert++) {
            experts[expert] = expert;
        }
        return experts.length;
    }

    /** Experts whose numbers follow each other are computed in one launch. */
    private void multiplyRuns(int layer, int count, BatchExperts operation, BatchExperts.Chunk chunk) {
        Arrays.sort(chosen, 0, count);
        int first = 0;
        for (int i = 1; i <= count; i++) {
            if (i == count || chosen[i] != chosen[i - 1] + 1) {
                operation.multiply(chunk, table.row(layer), chosen[first], i - first);
                first = i;
            }
        }
    }

    /** Waits until the router's choice is known; prefetching goes on meanwhile. */
    private void awaitChoice(int layer, int tokens, int sequence) {
        for (int spins = 1; !choices.isThere(layer, tokens, sequence); spins++) {
            fetcher.pump();
            guesses.ifPresent(guessed -> guessed.deliver(sequence, fetcher));
            Thread.onSpinWait();
            if (spins % SPINS_PER_LOOK_AT_THE_STREAM == 0) {
                requireWorkInFlight(layer, tokens, sequence);
            }
        }
        guesses.ifPresent(guessed -> guessed.passed(layer));
    }

    /** A failure of what runs before the router shows here; else the choice would be waited for forever. */
    private void requireWorkInFlight(int layer, int tokens, int sequence) {
        if (computing.isIdle() && !choices.isThere(layer, tokens, sequence)) {
            throw new BackendFailureException("the router of layer " + layer + " published no choice");
        }
    }

    /** What was fetched so far, with {@code deviceBytes} of the device's memory in use. */
    OffloadCounts counts(long deviceBytes) {
        FetchCounts counts = fetcher.counts();
        return new OffloadCounts(
                counts.hits(),
                counts.waits(),
                counts.misses(),
                hitLayers,
                counts.prefetchesBegun(),
                counts.prefetchesUsed(),
                counts.prefetchesBegun() - counts.prefetchesUsed(),
                counts.prefetchDepth(),
                counts.prefetchTurnedDown(),
                counts.bytesUp(),
                counts.bytesDown(),
                roads(counts.roads()),
                times.map(OffloadTimes::read),
                deviceBytes,
                store.blocks() * store.blockBytes());
    }

    private static OffloadCounts.Roads roads(RoadCounts counts) {
        return new OffloadCounts.Roads(
                counts.fetched(),
                counts.split(),
                counts.computed(),
                counts.bytesComputed(),
                counts.computingNanos(),
                counts.waitedNanos());
    }

    /** One line for people if the host's memory is not what was wished for. */
    Optional<String> shortfall() {
        return store.shortfall();
    }

    /** After a failed chunk: nothing of it is in flight or claimed any more. */
    void recover() {
        fetcher.reset();
        table.forget();
        choices.clear();
        guesses.ifPresent(GuessedChoices::clear);
    }
}
