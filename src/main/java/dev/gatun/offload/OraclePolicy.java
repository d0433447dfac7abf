package dev.gatun.offload;

import java.util.stream.IntStream;

/**
 * Evicts the expert that a recording asks for last: it knows the future, and shows what no policy can do better than by
 * luck. Only for replaying that recording from its beginning.
 */
final class OraclePolicy implements CachePolicy {
    private final int[][] uses;
    private final int[] next;

    OraclePolicy(RoutingTrace trace) {
        int[] counts = new int[trace.layers() * trace.experts()];
        trace.forEachUse((use, expert) -> counts[expert]++);
        this.uses = IntStream.of(counts).mapToObj(int[]::new).toArray(int[][]::new);
        this.next = new int[counts.length];
        int[] filled = new int[counts.length];
        trace.forEachUse((use, expert) -> uses[expert][filled[expert]++] = use);
    }

    @Override
    public void asked(int expert, long time) {
        next[expert]++;
    }

    @Override
    public void admitted(int expert, long time) {
        // When it is asked for again is all that counts.
    }

    @Override
    public double worth(int expert) {
        return next[expert] < uses[expert].length ? -uses[expert][next[expert]] : Double.NEGATIVE_INFINITY;
    }
}
