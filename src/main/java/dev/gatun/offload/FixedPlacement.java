package dev.gatun.offload;

import java.util.BitSet;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Keeps the experts that a recording used most, and no others; these pass through the staging slots. A placed expert gets
 * its slot when it is first asked for or prefetched, and never loses it.
 */
public final class FixedPlacement implements CachePolicy {
    private final BitSet placed;

    private FixedPlacement(BitSet placed) {
        this.placed = placed;
    }

    /**
     * Chooses for each group of slots the experts that were used most often, the lower-numbered one of two that were used
     * as often.
     *
     * @param uses how often each expert was used, numbered layer by layer
     */
    public static FixedPlacement of(CacheShape shape, long[] uses) {
        if (uses.length != shape.allExperts()) {
            throw new IllegalArgumentException(uses.length + " counts for " + shape.allExperts() + " experts");
        }
        BitSet placed = new BitSet(shape.allExperts());
        int experts = shape.allExperts() / shape.groups();
        for (int group = 0; group < shape.groups(); group++) {
            int first = group * experts;
            IntStream.range(first, first + experts)
                    .boxed()
                    .sorted(Comparator.comparingLong((Integer expert) -> -uses[expert]))
                    .limit(shape.firstSlot(group + 1) - shape.firstSlot(group))
                    .forEach(placed::set);
        }
        return new FixedPlacement(placed);
    }

    /** The placed experts, numbered layer by layer; a copy. To be copied before the first token, say. */
    public BitSet placed() {
        return (BitSet) placed.clone();
    }

    @Override
    public void asked(int expert, long time) {
        // The placement does not learn.
    }

    @Override
    public void admitted(int expert, long time) {
        // Each placed expert has a slot of its own.
    }

    @Override
    public double worth(int expert) {
        return 0;
    }

    @Override
    public boolean admits(int expert) {
        return placed.get(expert);
    }
}
