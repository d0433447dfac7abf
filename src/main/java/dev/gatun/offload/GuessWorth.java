package dev.gatun.offload;

/**
 * What guesses would have been worth to a cache: only an expert that is absent is copied ahead.
 *
 * @param copied guessed experts that were absent, each a copy ahead
 * @param right those of them that the layer then chose
 * @param misses absent experts that the layer chose, guessed or not
 * @param layers layers, over all tokens, that were guessed for
 */
public record GuessWorth(long copied, long right, long misses, long layers) {
    /** The share of the copies that were of use; 0 when there were none. */
    public double precision() {
        return copied == 0 ? 0 : (double) right / copied;
    }

    /** The share of the misses that were copied ahead; 0 when nothing missed. */
    public double foreseen() {
        return misses == 0 ? 0 : (double) right / misses;
    }

    /** Copies of no use that a layer costs. */
    public double wastedPerLayer() {
        return layers == 0 ? 0 : (double) (copied - right) / layers;
    }

    /** What these guesses are worth beyond {@code fewer}, the likeliest of them. */
    public GuessWorth beyond(GuessWorth fewer) {
        return new GuessWorth(copied - fewer.copied, right - fewer.right, misses, layers);
    }
}
