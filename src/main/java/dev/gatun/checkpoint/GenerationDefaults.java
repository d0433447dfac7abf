package dev.gatun.checkpoint;

import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * How a model's makers suggest to sample from it, from its {@code generation_config.json}; what they leave open is
 * empty.
 *
 * @param sample whether to sample at all; {@code false} asks for greedy decoding
 * @param temperature from 0 to 100
 * @param topP in (0, 1]
 * @param topK not negative; 0 turns it off
 * @param minP in [0, 1]
 * @param repetitionPenalty above 0, at most 100; 1 turns it off
 * @param endTokens ids that end a text, each in the vocabulary; of {@code config.json} where the file has none
 * @param beginToken id that begins a text, in the vocabulary; of {@code config.json} where the file has none
 */
public record GenerationDefaults(
        Optional<Boolean> sample,
        OptionalDouble temperature,
        OptionalDouble topP,
        OptionalInt topK,
        OptionalDouble minP,
        OptionalDouble repetitionPenalty,
        List<Integer> endTokens,
        OptionalInt beginToken) {

    /** Of what nobody means to use more of: no sampler takes a larger temperature or penalty. */
    private static final double LARGEST = 100;

    /** @throws IllegalArgumentException for a number out of its range; the message uses the file's names */
    public GenerationDefaults {
        endTokens = List.copyOf(endTokens);
        temperature.ifPresent(value -> require("temperature", value, value >= 0 && value <= LARGEST));
        topP.ifPresent(value -> require("top_p", value, value > 0 && value <= 1));
        topK.ifPresent(value -> require("top_k", value, value >= 0));
        minP.ifPresent(value -> require("min_p", value, value >= 0 && value <= 1));
        repetitionPenalty.ifPresent(value -> require("repetition_penalty", value, value > 0 && value <= LARGEST));
        endTokens.forEach(id -> require("eos_token_id", id, id >= 0));
        beginToken.ifPresent(id -> require("bos_token_id", id, id >= 0));
    }

    private static void require(String name, Number value, boolean holds) {
        if (!holds) {
            throw new IllegalArgumentException("`" + name + "` is out of its range: " + value);
        }
    }
}
