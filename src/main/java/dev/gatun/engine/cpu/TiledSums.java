package dev.gatun.engine.cpu;

import dev.gatun.cpu.CpuPool;
import dev.gatun.cpu.FloatMatrix;
import dev.gatun.cpu.TiledExpert;
import dev.gatun.cpu.TiledWork;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Adds what experts in tiles make of a chunk to the residual stream, expert by expert. The library takes few tokens at a
 * time; those that chose an expert are gathered, and a token's sum does not depend on which others they are.
 */
final class TiledSums {
    private final FloatMatrix inputs;
    private final FloatMatrix sums;
    private final MemorySegment weights;

    /** Takes memory for a handful of tokens from {@code arena}. */
    TiledSums(Arena arena, int hiddenSize) {
        this.inputs = FloatMatrix.allocate(arena, TiledWork.MOST_TOKENS, hiddenSize);
        this.sums = FloatMatrix.allocate(arena, TiledWork.MOST_TOKENS, hiddenSize);
        this.weights = arena.allocate(ValueLayout.JAVA_FLOAT, TiledWork.MOST_TOKENS);
    }

    /**
     * stream[t] += the weighted sum of the experts that token t chose, in expert order.
     *
     * @param topK experts that each token chose
     */
    void add(CpuPool pool, List<TiledExpert> experts, CpuRouting routing, int topK, FloatMatrix stream) {
        if (routing.tokens() == 1) {
            addAtOnce(pool, experts, routing, stream);
            return;
        }
        int[] ids = routing.ids().toArray(ValueLayout.JAVA_INT);
        int[] choices = new int[routing.tokens()];
        for (int expert = 0; expert < experts.size(); expert++) {
            int count = 0;
            for (int choice = 0; choice < ids.length; choice++) {
                if (ids[choice] == expert) {
                    choices[count++] = choice;
                }
            }
            for (int from = 0; from < count; from += TiledWork.MOST_TOKENS) {
                int to = Math.min(count, from + TiledWork.MOST_TOKENS);
                add(pool, experts.get(expert), routing, topK, Arrays.copyOfRange(choices, from, to), stream);
            }
        }
    }

    /** One token needs no gathering, and its experts go together. */
    private static void addAtOnce(CpuPool pool, List<TiledExpert> experts, CpuRouting routing, FloatMatrix stream) {
        pool.addExperts(IntStream.range(0, Math.toIntExact(routing.ids().byteSize() / Integer.BYTES))
                .boxed()
                .sorted(Comparator.comparingInt(choice -> id(routing, choice)))
                .map(choice -> TiledWork.of(
                        experts.get(id(routing, choice)),
                        routing.normed(),
                        routing.weights().asSlice((long) choice * Float.BYTES, Float.BYTES),
                        stream))
                .toList());
    }

    private static int id(CpuRouting routing, int choice) {
        return routing.ids().getAtIndex(ValueLayout.JAVA_INT, choice);
    }

    /** @param choices places among all choices where this expert stands, of a token each */
    private void add(
            CpuPool pool, TiledExpert expert, CpuRouting routing, int topK, int[] choices, FloatMatrix stream) {
        for (int i = 0; i < choices.length; i++) {
            copy(routing.normed(), choices[i] / topK, inputs, i);
            copy(stream, choices[i] / topK, sums, i);
            weights.setAtIndex(
                    ValueLayout.JAVA_FLOAT, i, routing.weights().getAtIndex(ValueLayout.JAVA_FLOAT, choices[i]));
        }
        pool.addExpert(
                expert,
                inputs.rows(0, choices.length),
                weights.asSlice(0, (long) choices.length * Float.BYTES),
                sums.rows(0, choices.length));
        for (int i = 0; i < choices.length; i++) {
            copy(sums, i, stream, choices[i] / topK);
        }
    }

    private static void copy(FloatMatrix from, int row, FloatMatrix to, int toRow) {
        to.rows(toRow, 1).segment().copyFrom(from.rows(row, 1).segment());
    }
}
