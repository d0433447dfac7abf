package dev.gatun.engine.cuda;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.engine.OffloadCounts;
import dev.gatun.offload.CacheShape;
import dev.gatun.offload.ExpertFetcher;
import dev.gatun.offload.FetchCounts;
import dev.gatun.offload.MemoryPlan;
import dev.gatun.offload.RoadCounts;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

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
    private final PublishedChoices choices;
    private final ChoiceWait wait;
    private final Optional<GuessedChoices> guesses;
    private final SlotTable table;
    private final ExpertFetcher fetcher;
    private final PinnedStore store;
    private final Optional<HostExperts> host;
    private final Optional<String> note;
    private final Optional<OffloadTimes> times;
    private final PassClock clock;
    private final TokenExperts tokenExperts;
    private final PromptExperts promptExperts;
    private final ChunkChoices chunk;
    private final int[] chosen;
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
            Optional<HostExperts> host,
            Optional<String> note,
            Optional<OffloadTimes> times) {
        this.plan = plan;
        this.choices = choices;
        this.wait = new ChoiceWait(choices.words(), computing::isIdle, this::goOn, SPINS_PER_LOOK_AT_THE_STREAM);
        this.guesses = guesses;
        this.table = table;
        this.fetcher = fetcher;
        this.store = store;
        this.host = host;
        this.note = note;
        this.times = times;
        this.clock = times.<PassClock>map(OffloadTimes::pass).orElse(PassClock.NONE);
        this.chosen = new int[experts];
        this.chunk = new ChunkChoices(choices.tokens(), experts, choices.words().topK());
        this.tokenExperts = new TokenExperts(fetcher, table, experts, host, clock);
        this.promptExperts = new PromptExperts(fetcher, table, layers, experts, host, clock);
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

    /** As the other, of chunks of any size. */
    static int mostAwaited(MixtralConfig config) {
        return mostAwaited(config.experts(), config.expertsPerToken(), Integer.MAX_VALUE);
    }

    /** Where the router of a layer publishes the choice of so many tokens, if that is waited for. */
    Optional<PublishedChoices> published(int tokens) {
        return tokens <= choices.tokens() ? Optional.of(choices) : Optional.empty();
    }

    /** Where the router is to leave what the host computes experts from, if it might. */
    Optional<HandOff> handOff(int tokens) {
        return host.filter(some -> tokens <= choices.tokens()).map(HostExperts::handOff);
    }

    /** What the next layers will choose, if that is guessed for so many tokens. */
    Optional<GuessedChoices> guesses(int tokens) {
        return guesses.filter(
                guessed -> tokens <= TokenVariants.MOST && fetcher.control().most() > 0);
    }

    /**
     * Puts in hidden += the weighted sum of the chosen experts. The host may have to compute a part of it still, which
     * {@link #finish} must follow for, on the same thread, before anything else waits for the device; or {@link #abandon}.
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
        finish();
        if (tokens <= choices.tokens()) {
            wait.await(layer, tokens, sequence);
            guesses.ifPresent(guessed -> guessed.passed(layer));
        }
        if (tokens <= TokenVariants.MOST) {
            for (int token = 0; token < tokens; token++) {
                int count = choices.words().take(layer, token, 1, chosen);
                clock.enter(Part.HOST);
                boolean allThere = tokenExperts.run(
                        new TokenExperts.Target(layer, token, operation.few(), routing, hidden, error), chosen, count);
                hitLayers += allThere ? 1 : 0;
            }
            goOnWithGuesses(sequence);
        } else {
            runMany(new PromptExperts.Target(layer, operation.many(), routing, hidden, error));
        }
    }

    /** Ends what the host has still to compute of the layer that was put in last. */
    void finish() {
        tokenExperts.finish();
    }

    /** After a failure, which is given what fails here as well: what the host has still to compute is void. */
    void abandon(Throwable failure) {
        tokenExperts.abandon(failure);
    }

    /** Ends what the host has still to compute of a chunk that failed or was given up, before anything waits for the device. */
    void giveUp() {
        host.ifPresent(HostExperts::recover);
    }

    private void runMany(PromptExperts.Target target) {
        int tokens = target.hidden().rows();
        if (tokens > choices.tokens()) {
            promptExperts.runAll(target);
        } else {
            chunk.take(choices.words(), target.layer(), tokens);
            promptExperts.run(target, chunk);
        }
    }

    /** What the next layer was guessed to choose came right after this one's choice. */
    private void goOnWithGuesses(int sequence) {
        guesses.ifPresent(guessed -> {
            guessed.deliver(sequence, fetcher);
            fetcher.pump();
        });
    }

    /** Prefetching goes on while a choice is awaited. */
    private void goOn(int sequence) {
        fetcher.pump();
        guesses.ifPresent(guessed -> guessed.deliver(sequence, fetcher));
    }

    /**
     * What was fetched so far.
     *
     * @param deviceBytes of the device's memory that are in use
     */
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
                deviceBytes);
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

    /** Bytes of pinned host memory that experts lie in. */
    long hostMemory() {
        return store.pinnedBlocks() * store.blockBytes();
    }

    /** Lines for people about what is not as it was wished for. */
    List<String> notes() {
        return Stream.of(store.shortfall(), note).flatMap(Optional::stream).toList();
    }

    /** After a chunk that failed or was given up: nothing of it is in flight or claimed any more. */
    void recover() {
        giveUp();
        fetcher.reset();
        table.forget();
        choices.words().clear();
        guesses.ifPresent(GuessedChoices::clear);
    }
}
