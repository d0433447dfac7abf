package dev.gatun.offload;

import dev.gatun.checkpoint.MixtralConfig;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;

/** The shapes of published models, to plan for without their files. */
public enum KnownModel {
    /** Mixtral 8x7B. */
    MIXTRAL_8X7B,
    /** Mixtral 8x22B. */
    MIXTRAL_8X22B;

    /** The shape. */
    public MixtralConfig config() {
        return switch (this) {
            case MIXTRAL_8X7B -> config(4096, 14336, 32, 32, 32000, 32768);
            case MIXTRAL_8X22B -> config(6144, 16384, 56, 48, 32768, 65536);
        };
    }

    private static MixtralConfig config(int hidden, int ffn, int layers, int heads, int vocabulary, int positions) {
        return new MixtralConfig(
                hidden, ffn, layers, heads, 8, 128, 8, 2, vocabulary, positions, 1e6, 1e-5, OptionalInt.empty(), false);
    }

    /** The name: {@code mixtral-8x7b}. */
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** All names. */
    public static List<String> labels() {
        return Arrays.stream(values()).map(KnownModel::label).toList();
    }
}
