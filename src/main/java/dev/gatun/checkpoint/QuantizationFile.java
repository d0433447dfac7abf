package dev.gatun.checkpoint;

import dev.gatun.input.Quoted;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;

/**
 * {@code quantization.json}, which may lie beside a model that HQQ quantized, or beside its config.json: for attention and for
 * experts, the dictionary that {@code BaseQuantizeConfig} of the HQQ library made. Gatun reads of it
 *
 * <pre>
 *   {"attention": {"weight_quant_params": {"nbits": 4, "group_size": 64}, "scale_quant_params": {"group_size": 256}},
 *    "experts":   {"weight_quant_params": {"nbits": 2, "group_size": 16}, "scale_quant_params": {"group_size": 128}},
 *    "row_order": "native"}
 * </pre>
 *
 * each of the three being optional, and refuses what it does not compute: an {@code axis} other than 0, and scales and zeros of
 * other than 8 bits.
 *
 * @param path where it lies
 * @param schemes what it says of parts
 * @param order that of 3-bit codes
 */
record QuantizationFile(Path path, StatedSchemes schemes, Optional<ThreeBitOrder> order) {
    static final String NAME = "quantization.json";

    private static final int MOST_BYTES = 1 << 20;
    private static final int LEVEL_BITS = 8;

    /**
     * That of a model, if there is one.
     *
     * @throws CheckpointException if it is no such file
     */
    static Optional<QuantizationFile> find(CheckpointSource source) {
        return Stream.of(source.weights(), source.config())
                .map(folder -> folder.resolve(NAME))
                .filter(Files::isRegularFile)
                .findFirst()
                .map(QuantizationFile::read);
    }

    private static QuantizationFile read(Path path) {
        JsonObject json = JsonObject.read(path, MOST_BYTES);
        StatedSchemes schemes = new StatedSchemes(scheme(json, "attention"), scheme(json, "experts"));
        return new QuantizationFile(
                path, schemes, json.optionalString("row_order").map(name -> order(json, name)));
    }

    private static Optional<StatedScheme> scheme(JsonObject json, String part) {
        return json.optionalObject(part).map(dictionary -> {
            JsonObject codes = required(dictionary, part, "weight_quant_params");
            JsonObject scales = required(dictionary, part, "scale_quant_params");
            requireNumber(codes, part + ".weight_quant_params.axis", codes.optionalInt("axis"), 0);
            requireBits(scales, part + ".scale_quant_params");
            dictionary
                    .optionalObject("zero_quant_params")
                    .ifPresent(zeros -> requireBits(zeros, part + ".zero_quant_params"));
            try {
                return new StatedScheme(
                        codes.requiredInt("nbits"), codes.requiredInt("group_size"), scales.requiredInt("group_size"));
            } catch (IllegalArgumentException impossible) {
                throw json.problem("`" + part + "`: " + impossible.getMessage());
            }
        });
    }

    private static JsonObject required(JsonObject dictionary, String part, String key) {
        return dictionary
                .optionalObject(key)
                .orElseThrow(() -> dictionary.problem(
                        "`" + part + "` has no `" + key + "`, which HQQ writes for every part that Gatun reads"));
    }

    private static void requireBits(JsonObject level, String name) {
        requireNumber(level, name + ".nbits", level.optionalInt("nbits"), LEVEL_BITS);
    }

    private static void requireNumber(JsonObject json, String name, OptionalInt found, int only) {
        if (found.orElse(only) != only) {
            throw json.problem("`" + name + "` is " + found.getAsInt() + "; Gatun reads " + only + " alone");
        }
    }

    private static ThreeBitOrder order(JsonObject json, String name) {
        return Arrays.stream(ThreeBitOrder.values())
                .filter(order -> order.name().toLowerCase(Locale.ROOT).equals(name))
                .findFirst()
                .orElseThrow(() -> json.problem(
                        "`row_order` is " + Quoted.of(name) + ", which is none of native, split, interleaved"));
    }
}
