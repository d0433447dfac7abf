package dev.gatun.checkpoint;

import dev.gatun.input.Quoted;
import dev.gatun.quant.TileFormat;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What the metadata of each shard in Gatun's own format says; the package's description tells the keys.
 *
 * @param tiles how experts lie in tiles; empty if none does
 * @param origin what the model was made of and how, for people; may be empty
 */
record GatunHeader(Optional<TileScheme> tiles, String origin) {
    /** The version of the format that is written. */
    static final String VERSION = "3";

    /** It had the columns of w2 in another order in tiles of {@link TileFormat#Q2N}; the rest is the same. */
    private static final String BEFORE = "2";

    /** It had them in another order in those of {@link TileFormat#Q2} as well. */
    private static final String FIRST = "1";

    private static final String VERSION_KEY = "gatun.version";
    private static final String TILES_KEY = "gatun.tiles";
    private static final String PAIRS_KEY = "gatun.pairs";
    private static final String ORIGIN_KEY = "gatun.origin";

    /** As metadata; {@code format} is what programs for PyTorch look for. */
    Map<String, String> toMetadata() {
        Map<String, String> metadata = new LinkedHashMap<>();
        metadata.put("format", "pt");
        metadata.put(VERSION_KEY, VERSION);
        tiles.ifPresent(scheme -> {
            metadata.put(TILES_KEY, scheme.format().name().toLowerCase(Locale.ROOT));
            metadata.put(PAIRS_KEY, scheme.widePairs() + "," + scheme.downPairs());
        });
        if (!origin.isEmpty()) {
            metadata.put(ORIGIN_KEY, origin);
        }
        return metadata;
    }

    /**
     * What a file's metadata says; empty if the file is not in Gatun's format.
     *
     * @throws CheckpointException if its version is another, or what it says makes no sense
     */
    static Optional<GatunHeader> read(SafetensorsFile file) {
        String version = file.metadata().get(VERSION_KEY);
        if (version == null) {
            return Optional.empty();
        }
        if (!List.of(FIRST, BEFORE, VERSION).contains(version)) {
            throw unknown(file, version);
        }
        Optional<TileScheme> tiles = tiles(file);
        if (tiles.isPresent() && !isReadable(version, tiles.get().format())) {
            throw unknown(file, version);
        }
        return Optional.of(new GatunHeader(tiles, file.metadata().getOrDefault(ORIGIN_KEY, "")));
    }

    /** Whether experts in tiles lie as they do in this version. */
    private static boolean isReadable(String version, TileFormat tiles) {
        return version.equals(VERSION) || (version.equals(BEFORE) && tiles == TileFormat.Q2);
    }

    private static CheckpointException unknown(SafetensorsFile file, String version) {
        return new CheckpointException(Quoted.of(file.path()) + ": it is in version " + Quoted.of(version)
                + " of Gatun's format, and this Gatun reads version " + VERSION
                + "; use another Gatun, or make the model again with this one");
    }

    private static Optional<TileScheme> tiles(SafetensorsFile file) {
        return Optional.ofNullable(file.metadata().get(TILES_KEY)).map(name -> {
            int[] pairs = pairs(file);
            try {
                return new TileScheme(format(file, name), pairs[0], pairs[1]);
            } catch (IllegalArgumentException impossible) {
                throw problem(file, impossible.getMessage());
            }
        });
    }

    private static TileFormat format(SafetensorsFile file, String name) {
        return Arrays.stream(TileFormat.values())
                .filter(format -> format.name().toLowerCase(Locale.ROOT).equals(name))
                .findFirst()
                .orElseThrow(() -> problem(
                        file,
                        "its metadata says `" + TILES_KEY + "` is " + Quoted.of(name) + ", which is none of "
                                + Arrays.stream(TileFormat.values())
                                        .map(format -> format.name().toLowerCase(Locale.ROOT))
                                        .collect(Collectors.joining(", "))));
    }

    private static int[] pairs(SafetensorsFile file) {
        String text = file.metadata().getOrDefault(PAIRS_KEY, "");
        try {
            int[] pairs = Arrays.stream(text.split(",", -1))
                    .mapToInt(Integer::parseInt)
                    .toArray();
            if (pairs.length == 2) {
                return pairs;
            }
        } catch (NumberFormatException noNumber) {
            // Refused below, as any other number of them.
        }
        throw problem(
                file, "its metadata says `" + PAIRS_KEY + "` is " + Quoted.of(text) + ", which is not two numbers");
    }

    private static CheckpointException problem(SafetensorsFile file, String what) {
        return new CheckpointException(Quoted.of(file.path()) + ": " + what + "; download the file again");
    }
}
