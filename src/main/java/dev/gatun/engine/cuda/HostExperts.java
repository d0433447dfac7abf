package dev.gatun.engine.cuda;

import dev.gatun.offload.ExpertFetcher;
import dev.gatun.offload.PromptRoads;
import dev.gatun.quant.ExpertCut;
import java.util.function.Supplier;

/** The host's part of a layer's experts: computes it, and has it added to the residual stream. */
final class HostExperts {
    private final HandOff handOff;
    private final HostRoad road;
    private final ExpertCut cut;
    private final Supplier<PromptRoads> promptRoads;
    private final int[] tokens = new int[HostRoad.MOST_TOKENS];
    private final int[] ranks = new int[HostRoad.MOST_TOKENS];
    private long begun;
    private long bytes;

    /**
     * Makes it.
     *
     * @param road computes from what {@code handOff} holds
     * @param promptRoads what is worth computing of a prompt's experts at present
     */
    HostExperts(HandOff handOff, HostRoad road, ExpertCut cut, Supplier<PromptRoads> promptRoads) {
        this.handOff = handOff;
        this.road = road;
        this.cut = cut;
        this.promptRoads = promptRoads;
    }

    /** What is worth computing here of a prompt's experts, by what is known of the link now. */
    PromptRoads promptRoads() {
        return promptRoads.get();
    }

    /** What experts are cut into. */
    ExpertCut cut() {
        return cut;
    }

    /** Where routers leave what experts are computed from. */
    HandOff handOff() {
        return handOff;
    }

    /**
     * Has the host's threads start on what the device does not compute of one token's choice. Then {@link #finish} must
     * follow, or {@link #abandon}.
     *
     * @param chosen the experts in order of rank, in the first {@code count} elements
     * @param parts how many leading parts of each the device computes
     */
    void begin(int layer, int token, int[] chosen, int[] parts, int count, ExpertFetcher fetcher) {
        bytes = 0;
        handOff.host().clear(token);
        for (int rank = 0; rank < count; rank++) {
            if (parts[rank] < cut.parts()) {
                int expert = fetcher.shape().number(layer, chosen[rank]);
                road.add(expert, fetcher.block(layer, chosen[rank]), parts[rank], token, rank);
                bytes += (cut.parts() - parts[rank]) * (cut.block().bytes() / cut.parts());
            }
        }
        // What is made of an expert once is no measure of what computing takes.
        begun = System.nanoTime();
        road.begin();
    }

    /**
     * Works along until all is computed, and puts in that it is added.
     *
     * @param hidden the token's row
     */
    void finish(int token, ExpertFetcher fetcher, DeviceFloats hidden) {
        road.finish();
        long nanos = System.nanoTime() - begun;
        handOff.add(token, hidden);
        fetcher.hostComputed(bytes, nanos);
    }

    /** After a failure: what was noted for the host is void. */
    void recover() {
        road.forget();
    }

    /** Waits for the threads after a failure, which is given what fails here as well; what they computed is of no use. */
    void abandon(Throwable failure) {
        try {
            road.finish();
        } catch (RuntimeException secondary) {
            failure.addSuppressed(secondary);
        }
    }

    /**
     * Makes what is made of experts once: no measure of what computing takes.
     *
     * @param experts which, in the first {@code count} elements
     */
    void prepare(int layer, int[] experts, int count, ExpertFetcher fetcher) {
        for (int i = 0; i < count; i++) {
            road.prepare(fetcher.shape().number(layer, experts[i]), fetcher.block(layer, experts[i]));
        }
    }

    /**
     * Computes whole experts for all tokens that chose them, and puts in that it is added.
     *
     * @param experts which, in the first {@code count} elements
     * @param hidden the chunk's rows
     * @return bytes of blocks that were read
     */
    long runPrompt(
            int layer, ChunkChoices choices, int[] experts, int count, ExpertFetcher fetcher, DeviceFloats hidden) {
        for (int token = 0; token < choices.tokens(); token++) {
            handOff.host().clear(token);
        }
        long groups = 0;
        for (int i = 0; i < count; i++) {
            int number = fetcher.shape().number(layer, experts[i]);
            groups += addWhole(number, fetcher.block(layer, experts[i]), experts[i], choices);
        }
        handOff.add(0, hidden);
        return groups * cut.block().bytes();
    }

    /** Returns how often the block was read. */
    private int addWhole(int number, int block, int expert, ChunkChoices choices) {
        int groups = 0;
        int count = 0;
        for (int token = 0; token < choices.tokens(); token++) {
            int rank = choices.rank(token, expert);
            if (rank >= 0) {
                tokens[count] = token;
                ranks[count++] = rank;
            }
            boolean isLast = token == choices.tokens() - 1;
            if (count == tokens.length || (isLast && count > 0)) {
                road.addWhole(number, block, tokens, ranks, count);
                groups++;
                count = 0;
            }
        }
        return groups;
    }
}
