package dev.gatun.engine.cuda;

import dev.gatun.cuda.DeviceMemory;
import dev.gatun.offload.ExpertFetcher;
import dev.gatun.offload.PromptRoads;
import dev.gatun.quant.ExpertCut;
import java.util.function.Supplier;

/** The host's part of a layer's experts: computes it, and has it added to the residual stream. */
final class HostExperts {
    private final HandOff handOff;
    private final HostRoad road;
    private final HostTurn turn;
    private final boolean isAwaited;
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
     * @param isAwaited whether a kernel may wait for the host
     */
    HostExperts(HandOff handOff, HostRoad road, ExpertCut cut, Supplier<PromptRoads> promptRoads, boolean isAwaited) {
        this.handOff = handOff;
        this.road = road;
        this.turn = new HostTurn(road, handOff.host().ended());
        this.isAwaited = isAwaited;
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

    /** Whether {@link #add} may be called before {@link #finish}. */
    boolean isAwaited() {
        return isAwaited;
    }

    /**
     * Has the host's threads start on what the device does not compute of one token's choice. Then {@link #add} and
     * {@link #finish} must follow, or {@link #abandon}.
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
        turn.begin();
    }

    /** Whether something was begun and neither finished nor abandoned. */
    boolean isBegun() {
        return turn.isBegun();
    }

    /**
     * Puts in that what was begun last is added when it has ended.
     *
     * @param hidden the token's row
     * @param error the layer's error word
     */
    void add(int token, DeviceFloats hidden, DeviceMemory error) {
        handOff.add(token, hidden, error);
    }

    /** Works along until all is computed. */
    void finish(ExpertFetcher fetcher) {
        turn.finish();
        fetcher.hostComputed(bytes, System.nanoTime() - begun);
    }

    /** After a failure, which is given what fails here as well: what was begun ends, and is of no use. */
    void abandon(Throwable failure) {
        turn.abandon().ifPresent(failure::addSuppressed);
    }

    /** After a failure, or where a pass was given up: what was begun or noted for the host is void. */
    void recover() {
        turn.abandon();
        road.forget();
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
     * @param error the layer's error word
     * @return bytes of blocks that were read
     */
    long runPrompt(
            int layer,
            ChunkChoices choices,
            int[] experts,
            int count,
            ExpertFetcher fetcher,
            DeviceFloats hidden,
            DeviceMemory error) {
        for (int token = 0; token < choices.tokens(); token++) {
            handOff.host().clear(token);
        }
        long groups = 0;
        for (int i = 0; i < count; i++) {
            int number = fetcher.shape().number(layer, experts[i]);
            groups += addWhole(number, fetcher.block(layer, experts[i]), experts[i], choices);
        }
        add(0, hidden, error);
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
