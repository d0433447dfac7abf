package dev.gatun.text;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The likeliest tokens as a GPU found them, and what all tokens weigh together: all that a {@link Sampler} needs for most
 * tokens, in one or two kilobytes instead of all logits. Reckoned with the sampler's repetition penalty and temperature.
 *
 * <p>Filled again for every token, without allocating. Not thread-safe.
 */
public final class Candidates implements RankedTokens {
    /** How far the GPU's sum of all weights, whose exponentials are float32, may be from one in float64, as a share of it. */
    static final double MASS_ERROR = 1e-5;

    private static final ValueLayout.OfDouble DOUBLE =
            ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final long COUNT = Double.BYTES;
    private static final long FLAGS = COUNT + Integer.BYTES;
    private static final long IDS = FLAGS + Integer.BYTES;

    private final int vocabulary;
    private final int[] ids;
    private final float[] logits;
    private double mass;
    private int size;
    private boolean complete;

    /**
     * Makes room.
     *
     * @param wanted how many are asked for
     * @param vocabulary how many tokens there are
     * @throws IllegalArgumentException unless both are positive
     */
    public Candidates(int wanted, int vocabulary) {
        if (wanted <= 0 || vocabulary <= 0) {
            throw new IllegalArgumentException(
                    wanted + " candidates of " + vocabulary + " tokens; both must be positive");
        }
        this.vocabulary = vocabulary;
        this.ids = new int[wanted];
        this.logits = new float[wanted];
    }

    /** The bytes that {@link #read} takes. */
    public long bytes() {
        return IDS + ids.length * (long) (Integer.BYTES + Float.BYTES);
    }

    /**
     * Takes what the kernel {@code gatun_candidates} wrote: the mass of all in float64, how many candidates there are and
     * flags in int32, then as many ids (int32) and logits (float32) as were wanted; little-endian.
     *
     * @throws IllegalArgumentException if it cannot be that: too short, another number of candidates, an id that is no
     *     token
     */
    public void read(MemorySegment result) {
        int count = result.get(INT, COUNT);
        if (count != Math.min(ids.length, vocabulary)) {
            throw new IllegalArgumentException(
                    count + " candidates of " + vocabulary + " tokens, but " + ids.length + " were asked for");
        }
        MemorySegment.copy(result, INT, IDS, ids, 0, count);
        MemorySegment.copy(result, FLOAT, IDS + ids.length * (long) Integer.BYTES, logits, 0, count);
        for (int rank = 0; rank < count; rank++) {
            if (ids[rank] < 0 || ids[rank] >= vocabulary) {
                throw new IllegalArgumentException("candidate " + ids[rank] + " of " + vocabulary + " tokens");
            }
        }
        mass = result.get(DOUBLE, 0);
        size = result.get(INT, FLAGS) == 0 ? possible(count) : 0;
        complete = size < count || count == vocabulary;
    }

    /** Impossible tokens rank last. */
    private int possible(int count) {
        int possible = count;
        while (possible > 0 && logits[possible - 1] == Float.NEGATIVE_INFINITY) {
            possible--;
        }
        return possible;
    }

    /** How many there are; 0 if the logits are not all numbers or all −∞, or nothing was read yet. */
    @Override
    public int size() {
        return size;
    }

    /** Whether all possible tokens are known to be among them: fewer than were asked for, or the whole vocabulary. */
    @Override
    public boolean complete() {
        return complete;
    }

    @Override
    public int id(int rank) {
        return ids[rank];
    }

    @Override
    public float score(int rank) {
        return logits[rank];
    }

    /** At the temperature that the kernel was given. */
    @Override
    public double mass(double temperature) {
        return mass;
    }

    @Override
    public double massError() {
        return MASS_ERROR;
    }
}
