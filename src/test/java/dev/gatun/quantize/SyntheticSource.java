package dev.gatun.quantize;

import dev.gatun.checkpoint.CheckpointWriter;
import dev.gatun.checkpoint.ExpertWeights;
import dev.gatun.checkpoint.GatunWriter;
import dev.gatun.checkpoint.LayerTensors;
import dev.gatun.checkpoint.LayerWeights;
import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.checkpoint.ModelWeights;
import dev.gatun.checkpoint.TrunkTensors;
import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.FloatType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** Unquantized models of the shape of an 8x7B, or of a part of it, with weights of about a normal distribution in bf16. */
final class SyntheticSource {
    /** Numbers of the largest matrix. */
    private static final int MOST = 32_000 * 4096;

    private final MixtralConfig config;
    private final MemorySegment values;

    private SyntheticSource(MixtralConfig config, MemorySegment values) {
        this.config = config;
        this.values = values;
    }

    /**
     * Writes one, in Gatun's own format, which is as easily read as any other.
     *
     * @param divisor of widths: 1 for those of an 8x7B
     */
    static void write(Path folder, int layers, int divisor) throws IOException {
        MixtralConfig config = new MixtralConfig(
                4096 / divisor,
                14_336 / divisor,
                layers,
                32,
                8,
                128 / divisor,
                8,
                2,
                32_000,
                32_768,
                1e6,
                1e-5,
                OptionalInt.empty(),
                false);
        Path configs = Files.createDirectories(folder.resolveSibling(folder.getFileName() + "-config"));
        CheckpointWriter.writeConfig(configs, config);
        try (Arena arena = Arena.ofShared()) {
            new SyntheticSource(config, random(arena, MOST / divisor)).write(folder, configs);
        }
    }

    private static MemorySegment random(Arena arena, int count) {
        MemorySegment values = arena.allocate((long) count * Short.BYTES);
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < count; i++) {
            float value = (float) (0.04 * (random.nextDouble() + random.nextDouble() + random.nextDouble() - 1.5));
            values.setAtIndex(ValueLayout.JAVA_SHORT, i, (short) (Float.floatToRawIntBits(value) >>> 16));
        }
        return values;
    }

    private void write(Path folder, Path configs) {
        GatunWriter writer = GatunWriter.open(folder, config.layers(), Optional.empty(), "");
        List<LayerWeights> layers =
                IntStream.range(0, config.layers()).mapToObj(layer -> layer()).toList();
        int hidden = config.hiddenSize();
        writer.writeTrunk(TrunkTensors.of(
                config,
                new ModelWeights(
                        matrix(config.vocabularySize(), hidden),
                        layers,
                        matrix(1, hidden),
                        matrix(config.vocabularySize(), hidden))));
        for (int layer = 0; layer < config.layers(); layer++) {
            writer.writeLayer(layer, new LayerTensors(layer, layers.get(layer).experts()).matrices());
        }
        writer.finish(configs);
    }

    private LayerWeights layer() {
        int hidden = config.hiddenSize();
        int ffn = config.intermediateSize();
        int keys = config.kvHeads() * config.headSize();
        ExpertWeights expert = new ExpertWeights(matrix(ffn, hidden), matrix(ffn, hidden), matrix(hidden, ffn));
        return new LayerWeights(
                matrix(1, hidden),
                matrix(hidden, hidden),
                matrix(keys, hidden),
                matrix(keys, hidden),
                matrix(hidden, hidden),
                matrix(1, hidden),
                matrix(config.experts(), hidden),
                Collections.nCopies(config.experts(), expert));
    }

    /** The first of the random numbers. */
    private DenseMatrix matrix(int rows, int columns) {
        return new DenseMatrix(FloatType.BF16, rows, columns, values.asSlice(0, (long) rows * columns * Short.BYTES));
    }
}
