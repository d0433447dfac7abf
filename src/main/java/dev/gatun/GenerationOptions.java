package dev.gatun;

import java.util.List;
import java.util.OptionalLong;

/**
 * How to generate. Start from {@link Model#defaultOptions()}, which holds what the model's authors recommend.
 *
 * @param maxTokens the most tokens to generate; 0 for as many as the context holds
 * @param temperature 0 for the most likely token each time; 1 for the model's own distribution
 * @param topK only the k most likely tokens; 0 for all
 * @param topP only the most likely tokens whose probabilities reach p together; 1 for all
 * @param minP only tokens at least this fraction as likely as the most likely one; 0 for all
 * @param repetitionPenalty divides the positive and multiplies the negative logits of recent tokens; 1 for none
 * @param repetitionWindow how many recent tokens, the prompt's included, are penalised
 * @param seed of the random choices; when empty, one is drawn and told in {@link Generation#seed()}
 * @param stop texts that end the generation; they are not part of the result
 * @param ignoreEnd whether to go on past the model's end-of-text token
 */
public record GenerationOptions(
        int maxTokens,
        double temperature,
        int topK,
        double topP,
        double minP,
        double repetitionPenalty,
        int repetitionWindow,
        OptionalLong seed,
        List<String> stop,
        boolean ignoreEnd) {

    /**
     * Checks the options.
     *
     * @throws GatunException naming the value that is out of range
     */
    public GenerationOptions {
        require(maxTokens >= 0, "max tokens", maxTokens, "0 or more");
        require(temperature >= 0 && temperature <= 100, "temperature", temperature, "between 0 and 100");
        require(topK >= 0, "top-k", topK, "0 (all) or more");
        require(topP > 0 && topP <= 1, "top-p", topP, "above 0 and at most 1");
        require(minP >= 0 && minP <= 1, "min-p", minP, "between 0 and 1");
        require(
                repetitionPenalty > 0 && repetitionPenalty <= 100,
                "repetition penalty",
                repetitionPenalty,
                "above 0 and at most 100");
        require(repetitionWindow >= 0, "repetition window", repetitionWindow, "0 or more");
        stop = List.copyOf(stop);
        if (stop.stream().anyMatch(String::isEmpty)) {
            throw new GatunException("stop text: an empty one would stop at once");
        }
    }

    private static void require(boolean holds, String name, Number value, String range) {
        if (!holds) {
            throw new GatunException(name + ": " + value + " is not " + range);
        }
    }

    /** What is used where neither the caller nor the model says otherwise: temperature 0.8, top-p 0.95, no penalty. */
    public static GenerationOptions builtIn() {
        return new GenerationOptions(0, 0.8, 0, 0.95, 0, 1, 64, OptionalLong.empty(), List.of(), false);
    }

    /** These options with a limit on the tokens generated. */
    public GenerationOptions withMaxTokens(int tokens) {
        return new GenerationOptions(
                tokens, temperature, topK, topP, minP, repetitionPenalty, repetitionWindow, seed, stop, ignoreEnd);
    }

    /** These options with another temperature. */
    public GenerationOptions withTemperature(double value) {
        return new GenerationOptions(
                maxTokens, value, topK, topP, minP, repetitionPenalty, repetitionWindow, seed, stop, ignoreEnd);
    }

    /** These options choosing among the {@code k} most likely tokens. */
    public GenerationOptions withTopK(int k) {
        return new GenerationOptions(
                maxTokens, temperature, k, topP, minP, repetitionPenalty, repetitionWindow, seed, stop, ignoreEnd);
    }

    /** These options with another nucleus. */
    public GenerationOptions withTopP(double p) {
        return new GenerationOptions(
                maxTokens, temperature, topK, p, minP, repetitionPenalty, repetitionWindow, seed, stop, ignoreEnd);
    }

    /** These options with another least relative probability. */
    public GenerationOptions withMinP(double p) {
        return new GenerationOptions(
                maxTokens, temperature, topK, topP, p, repetitionPenalty, repetitionWindow, seed, stop, ignoreEnd);
    }

    /** These options with another penalty on recent tokens. */
    public GenerationOptions withRepetitionPenalty(double penalty) {
        return new GenerationOptions(
                maxTokens, temperature, topK, topP, minP, penalty, repetitionWindow, seed, stop, ignoreEnd);
    }

    /** These options with another memory of recent tokens. */
    public GenerationOptions withRepetitionWindow(int tokens) {
        return new GenerationOptions(
                maxTokens, temperature, topK, topP, minP, repetitionPenalty, tokens, seed, stop, ignoreEnd);
    }

    /** These options with a seed: the same text each time, on the same instruction-set level. */
    public GenerationOptions withSeed(long value) {
        return new GenerationOptions(
                maxTokens,
                temperature,
                topK,
                topP,
                minP,
                repetitionPenalty,
                repetitionWindow,
                OptionalLong.of(value),
                stop,
                ignoreEnd);
    }

    /** These options with other texts that end the generation. */
    public GenerationOptions withStop(List<String> texts) {
        return new GenerationOptions(
                maxTokens, temperature, topK, topP, minP, repetitionPenalty, repetitionWindow, seed, texts, ignoreEnd);
    }

    /** These options with or without a stop at the model's end-of-text token. */
    public GenerationOptions withIgnoreEnd(boolean ignore) {
        return new GenerationOptions(
                maxTokens, temperature, topK, topP, minP, repetitionPenalty, repetitionWindow, seed, stop, ignore);
    }
}
