package dev.gatun.checkpoint;

import dev.gatun.input.Quoted;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Reads {@code config.json} of a Mixtral, in the forms that transformers 4.36 to 5 write. What would change the
 * computation in a way Gatun does not follow is refused, never ignored.
 */
final class MixtralConfigFile {
    private static final String ARCHITECTURE = "MixtralForCausalLM";
    private static final String MODEL_TYPE = "mixtral";
    private static final double DEFAULT_THETA = 1e6;
    private static final double DEFAULT_EPSILON = 1e-5;
    private static final List<String> REFUSED_SWITCHES =
            List.of("attention_bias", "mlp_bias", "use_bias", "use_qk_norm", "qk_layernorm");

    private final JsonObject json;

    private MixtralConfigFile(JsonObject json) {
        this.json = json;
    }

    static MixtralConfig read(JsonObject json) {
        MixtralConfigFile file = new MixtralConfigFile(json);
        file.requireMixtral();
        file.requireKnownComputation();
        try {
            return file.config();
        } catch (IllegalArgumentException problem) {
            throw json.problem(problem.getMessage() + "; download the file again");
        }
    }

    static JsonObject open(Path folder) {
        return JsonObject.read(folder.resolve("config.json"), 1 << 24);
    }

    private void requireMixtral() {
        List<String> architectures = json.strings("architectures");
        Optional<String> type = json.optionalString("model_type");
        if (architectures.isEmpty() && type.isEmpty()) {
            throw json.problem("has no `model_type`: " + ModelFolder.WHAT_IS_READ);
        }
        boolean known = architectures.isEmpty() || architectures.contains(ARCHITECTURE);
        if (!known || !type.orElse(MODEL_TYPE).equals(MODEL_TYPE)) {
            String found = known ? type.orElseThrow() : architectures.getFirst();
            throw json.problem("the model is a " + Quoted.of(found) + ": " + ModelFolder.WHAT_IS_READ);
        }
    }

    private void requireKnownComputation() {
        String activation = json.optionalString("hidden_act").orElse("silu");
        if (!activation.equals("silu")) {
            throw json.problem("`hidden_act` is " + Quoted.of(activation) + "; Gatun computes `silu` alone");
        }
        for (String name : REFUSED_SWITCHES) {
            if (json.optionalBoolean(name).orElse(false)) {
                throw json.problem("`" + name + "` is set, which Gatun does not compute");
            }
        }
        json.optionalObject("quantization_config")
                .flatMap(quantization -> quantization.optionalString("quant_method"))
                .filter(method -> !method.equals("hqq"))
                .ifPresent(method -> {
                    throw json.problem(
                            "the model is quantized by " + Quoted.of(method) + ": " + ModelFolder.WHAT_IS_READ);
                });
        json.optionalObject("rope_scaling").ifPresent(this::requirePlainRope);
        json.optionalObject("rope_parameters").ifPresent(this::requirePlainRope);
        requireWholeRope(json);
    }

    private void requirePlainRope(JsonObject rope) {
        for (String key : List.of("rope_type", "type")) {
            String type = rope.optionalString(key).orElse("default");
            if (!type.equals("default")) {
                throw json.problem(
                        "the rotary embedding is of the type " + Quoted.of(type) + "; Gatun computes `default` alone");
            }
        }
        if (rope.optionalDouble("factor").orElse(1) != 1) {
            throw json.problem("the rotary embedding has a scaling factor, which Gatun does not compute");
        }
        requireWholeRope(rope);
    }

    private void requireWholeRope(JsonObject rope) {
        if (rope.optionalDouble("partial_rotary_factor").orElse(1) != 1) {
            throw json.problem("`partial_rotary_factor` is not 1; Gatun rotates whole heads alone");
        }
    }

    private MixtralConfig config() {
        int hidden = json.requiredInt("hidden_size");
        int heads = json.requiredInt("num_attention_heads");
        return new MixtralConfig(
                hidden,
                json.requiredInt("intermediate_size"),
                json.requiredInt("num_hidden_layers"),
                heads,
                json.optionalInt("num_key_value_heads").orElse(heads),
                json.has("head_dim") ? json.requiredInt("head_dim") : derivedHeadSize(hidden, heads),
                json.requiredInt("num_local_experts"),
                json.requiredInt("num_experts_per_tok"),
                json.requiredInt("vocab_size"),
                json.requiredInt("max_position_embeddings"),
                theta(),
                json.optionalDouble("rms_norm_eps").orElse(DEFAULT_EPSILON),
                json.optionalInt("sliding_window"),
                json.optionalBoolean("tie_word_embeddings").orElse(false));
    }

    private static int derivedHeadSize(int hidden, int heads) {
        if (heads < 1 || hidden % heads != 0) {
            throw new IllegalArgumentException("hidden_size, " + hidden + ", is not a multiple of num_attention_heads, "
                    + heads + ", and there is no head_dim");
        }
        return hidden / heads;
    }

    private double theta() {
        OptionalDouble outside = json.optionalDouble("rope_theta");
        OptionalDouble inside = json.optionalObject("rope_parameters")
                .map(rope -> rope.optionalDouble("rope_theta"))
                .orElse(OptionalDouble.empty());
        if (outside.isPresent() && inside.isPresent() && outside.getAsDouble() != inside.getAsDouble()) {
            throw json.problem("`rope_theta` is " + outside.getAsDouble() + ", but `rope_parameters.rope_theta` is "
                    + inside.getAsDouble() + "; download the file again");
        }
        return inside.orElse(outside.orElse(DEFAULT_THETA));
    }
}
