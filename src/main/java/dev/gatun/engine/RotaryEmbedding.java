package dev.gatun.engine;

/** The numbers of the rotary position embedding (Su et al., 2021). */
public final class RotaryEmbedding {
    private RotaryEmbedding() {}

    /**
     * theta^(-2i / headSize) for i below headSize / 2, as the reference computes them: the power and its inverse rounded
     * to float32, one after the other.
     */
    public static float[] inverseFrequencies(int headSize, double theta) {
        float[] frequencies = new float[headSize / 2];
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] = 1.0f / (float) Math.pow(theta, 2.0 * i / headSize);
        }
        return frequencies;
    }
}
