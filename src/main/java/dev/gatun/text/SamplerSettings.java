package dev.gatun.text;

/**
 * How the next token is chosen.
 *
 * @param temperature what logits are divided by; 0 always takes the likeliest token, 1 changes nothing
 * @param topK how many of the likeliest tokens stay; 0 keeps all
 * @param topP the likeliest tokens that together have this share of the probability stay, at least one; 1 keeps all
 * @param minP tokens at least this many times as likely as the likeliest stay; 0 keeps all
 * @param repetitionPenalty what the logits of recent tokens are divided by if positive, multiplied by if negative; 1
 *     changes nothing
 * @param repetitionWindow how many of the last tokens count as recent, the prompt's included; 0 counts none
 * @param seed of the random numbers: the same seed and logits give the same tokens
 */
public record SamplerSettings(
        double temperature,
        int topK,
        double topP,
        double minP,
        double repetitionPenalty,
        int repetitionWindow,
        long seed) {
    /** The least difference of two logits, 2^-149, times this is far beyond what exp takes to 0. */
    private static final double LARGEST_INVERSE = 1e300;

    /**
     * Checks every setting.
     *
     * @throws IllegalArgumentException if one is out of its range; the message names it, its value and the range
     */
    public SamplerSettings {
        require("temperature", temperature, temperature >= 0 && temperature <= 100, "from 0 to 100");
        require("top-k", topK, topK >= 0, "0 or more");
        require("top-p", topP, topP > 0 && topP <= 1, "above 0, up to 1");
        require("min-p", minP, minP >= 0 && minP <= 1, "from 0 to 1");
        require(
                "repetition penalty",
                repetitionPenalty,
                repetitionPenalty > 0 && repetitionPenalty <= 100,
                "above 0, up to 100");
        require("repetition window", repetitionWindow, repetitionWindow >= 0, "0 or more");
    }

    private static void require(String name, Number value, boolean valid, String range) {
        if (!valid) {
            throw new IllegalArgumentException("%s: %s; it must be %s".formatted(name, value, range));
        }
    }

    /** The likeliest token, always. */
    public static SamplerSettings greedy() {
        return new SamplerSettings(0, 0, 1, 0, 1, 0, 0);
    }

    /** Draws from the model's own distribution, nothing changed. */
    public static SamplerSettings neutral(long seed) {
        return new SamplerSettings(1, 0, 1, 0, 1, 0, seed);
    }

    /** These settings with another temperature. */
    public SamplerSettings withTemperature(double value) {
        return new SamplerSettings(value, topK, topP, minP, repetitionPenalty, repetitionWindow, seed);
    }

    /** These settings with another top-k. */
    public SamplerSettings withTopK(int value) {
        return new SamplerSettings(temperature, value, topP, minP, repetitionPenalty, repetitionWindow, seed);
    }

    /** These settings with another top-p. */
    public SamplerSettings withTopP(double value) {
        return new SamplerSettings(temperature, topK, value, minP, repetitionPenalty, repetitionWindow, seed);
    }

    /** These settings with another min-p. */
    public SamplerSettings withMinP(double value) {
        return new SamplerSettings(temperature, topK, topP, value, repetitionPenalty, repetitionWindow, seed);
    }

    /** These settings with another penalty for the tokens of another window. */
    public SamplerSettings withRepetition(double penalty, int window) {
        return new SamplerSettings(temperature, topK, topP, minP, penalty, window, seed);
    }

    /** These settings with another seed. */
    public SamplerSettings withSeed(long value) {
        return new SamplerSettings(temperature, topK, topP, minP, repetitionPenalty, repetitionWindow, value);
    }

    /** Whether the likeliest token is taken, with nothing random in it. */
    public boolean isGreedy() {
        return temperature == 0;
    }

    /** Whether recent tokens change the logits. */
    public boolean penalizesRepetition() {
        return repetitionPenalty != 1 && repetitionWindow > 0;
    }

    /** What logits are multiplied by, finite whatever the temperature; 1 if greedy. */
    public double inverseTemperature() {
        return isGreedy() ? 1 : Math.min(1 / temperature, LARGEST_INVERSE);
    }
}
