package dev.gatun.offload;

import dev.gatun.checkpoint.MixtralConfig;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The shape of a model that need not be here.
 *
 * @param name what people call it
 * @param config its shape
 */
public record ModelShape(String name, MixtralConfig config) {
    private static final List<String> REQUIRED =
            List.of("hidden", "ffn", "layers", "experts", "top", "heads", "kv-heads", "vocab");
    private static final List<String> OPTIONAL = List.of("head-size", "positions");
    private static final int POSITIONS = 32768;
    private static final double ROPE_THETA = 1e6;
    private static final double NORM_EPSILON = 1e-5;

    /**
     * Reads a name of {@link KnownModel}, or sizes such as
     * {@code hidden=4096,ffn=14336,layers=32,experts=8,top=2,heads=32,kv-heads=8,vocab=32000}; {@code head-size} (default:
     * hidden / heads) and {@code positions} (default: 32768) may stand there as well.
     *
     * @throws PlanException if it is neither, or no model can have that shape
     */
    public static ModelShape parse(String text) {
        return text.contains("=") ? new ModelShape(text, config(sizes(text))) : known(text);
    }

    private static ModelShape known(String name) {
        return Arrays.stream(KnownModel.values())
                .filter(model -> model.label().equalsIgnoreCase(name))
                .findFirst()
                .map(model -> new ModelShape(model.label(), model.config()))
                .orElseThrow(() -> new PlanException("shape: `" + name + "` is none of "
                        + String.join(", ", KnownModel.labels()) + "; or give sizes: hidden=4096,ffn=14336,..."));
    }

    private static Map<String, Integer> sizes(String text) {
        Map<String, Integer> sizes = new TreeMap<>();
        for (String part : text.split(",", -1)) {
            String[] pair = part.strip().split("=", 2);
            String key = pair[0].strip().toLowerCase(Locale.ROOT);
            if (pair.length < 2 || !(REQUIRED.contains(key) || OPTIONAL.contains(key))) {
                throw new PlanException("shape: `" + part + "` is no size; known are " + String.join(", ", REQUIRED)
                        + ", " + String.join(", ", OPTIONAL));
            }
            if (sizes.put(key, number(key, pair[1].strip())) != null) {
                throw new PlanException("shape: " + key + " is given twice");
            }
        }
        String missing =
                REQUIRED.stream().filter(key -> !sizes.containsKey(key)).collect(Collectors.joining(", "));
        if (!missing.isEmpty()) {
            throw new PlanException("shape: " + missing + " must be given as well");
        }
        return sizes;
    }

    private static int number(String key, String digits) {
        try {
            return Integer.parseInt(digits);
        } catch (NumberFormatException noNumber) {
            throw new PlanException("shape: " + key + "=" + digits + " is no whole number");
        }
    }

    private static MixtralConfig config(Map<String, Integer> sizes) {
        int heads = sizes.get("heads");
        try {
            return new MixtralConfig(
                    sizes.get("hidden"),
                    sizes.get("ffn"),
                    sizes.get("layers"),
                    heads,
                    sizes.get("kv-heads"),
                    sizes.getOrDefault("head-size", sizes.get("hidden") / Math.max(1, heads)),
                    sizes.get("experts"),
                    sizes.get("top"),
                    sizes.get("vocab"),
                    sizes.getOrDefault("positions", POSITIONS),
                    ROPE_THETA,
                    NORM_EPSILON,
                    OptionalInt.empty(),
                    false);
        } catch (IllegalArgumentException impossible) {
            throw new PlanException("shape: " + impossible.getMessage());
        }
    }
}
