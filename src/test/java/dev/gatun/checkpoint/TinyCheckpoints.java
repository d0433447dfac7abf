package dev.gatun.checkpoint;

import dev.gatun.quant.FloatType;
import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.NarrowScheme;
import dev.gatun.quant.RandomMatrices;
import dev.gatun.quant.WeightMatrix;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** Small random models of any Mixtral shape; {@link CheckpointWriter} puts them on disk. */
public final class TinyCheckpoints {
    private TinyCheckpoints() {}

    /** The smallest shape in which every two sizes differ that may. */
    public static MixtralConfig smallConfig() {
        return new MixtralConfig(16, 24, 2, 4, 2, 8, 3, 2, 40, 64, 1e6, 1e-5, OptionalInt.empty(), false);
    }

    /** The smallest shape like that whose experts can be tiles. */
    public static MixtralConfig tileableConfig() {
        return new MixtralConfig(32, 48, 2, 4, 2, 16, 3, 2, 40, 64, 1e6, 1e-5, OptionalInt.empty(), false);
    }

    /** Any shape: GQA ratios, derived and given head sizes, top-k, tied or not, with or without a window. */
    public static MixtralConfig randomConfig(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int kvHeads = random.nextInt(1, 4);
        int headSize = 2 * random.nextInt(1, 9);
        int heads = kvHeads * random.nextInt(1, 4);
        boolean derived = random.nextBoolean() && heads * headSize % 4 == 0;
        int experts = random.nextInt(1, 7);
        return new MixtralConfig(
                derived ? heads * headSize : 4 * random.nextInt(1, 17),
                4 * random.nextInt(1, 17),
                random.nextInt(1, 4),
                heads,
                kvHeads,
                headSize,
                experts,
                random.nextInt(1, experts + 1),
                random.nextInt(3, 200),
                random.nextInt(16, 300),
                random.nextBoolean() ? 1e6 : 1e4,
                1e-5,
                random.nextBoolean() ? OptionalInt.empty() : OptionalInt.of(random.nextInt(1, 30)),
                random.nextBoolean());
    }

    /** Random unquantized weights of one type. */
    public static ModelWeights dense(MixtralConfig config, FloatType type, long seed) {
        RandomMatrices random = new RandomMatrices(seed);
        Maker dense = (rows, columns) -> random.dense(type, rows, columns);
        return weights(config, type, random, dense, dense);
    }

    /** Random weights with 4-bit attention and 2-bit experts, each matrix of a scheme of its own; the rest fp16. */
    public static ModelWeights quantized(MixtralConfig config, long seed) {
        RandomMatrices random = new RandomMatrices(seed);
        return weights(
                config,
                FloatType.F16,
                random,
                (rows, columns) -> random.hqq(random.scheme(4, rows, columns), rows, columns),
                (rows, columns) -> random.hqq(random.scheme(2, rows, columns), rows, columns));
    }

    /** Random weights quantized by two schemes, which must divide their matrices; the rest fp16. */
    public static ModelWeights quantized(MixtralConfig config, HqqScheme attention, HqqScheme experts, long seed) {
        RandomMatrices random = new RandomMatrices(seed);
        return weights(
                config,
                FloatType.F16,
                random,
                (rows, columns) -> random.hqq(attention, rows, columns),
                (rows, columns) -> random.hqq(experts, rows, columns));
    }

    /** Random weights with matrices of Gatun's own scheme in attention and experts; the rest fp16. */
    public static ModelWeights narrow(MixtralConfig config, NarrowScheme attention, NarrowScheme experts, long seed) {
        RandomMatrices random = new RandomMatrices(seed);
        return weights(
                config,
                FloatType.F16,
                random,
                (rows, columns) -> random.narrow(attention, rows, columns),
                (rows, columns) -> random.narrow(experts, rows, columns));
    }

    private interface Maker {
        WeightMatrix make(int rows, int columns);
    }

    private static ModelWeights weights(
            MixtralConfig config, FloatType type, RandomMatrices random, Maker attention, Maker experts) {
        var embeddings = random.dense(type, config.vocabularySize(), config.hiddenSize());
        return new ModelWeights(
                embeddings,
                IntStream.range(0, config.layers())
                        .mapToObj(layer -> layer(config, type, random, attention, experts))
                        .toList(),
                random.norm(type, config.hiddenSize()),
                config.tiedEmbeddings()
                        ? embeddings
                        : random.dense(type, config.vocabularySize(), config.hiddenSize()));
    }

    private static LayerWeights layer(
            MixtralConfig config, FloatType type, RandomMatrices random, Maker attention, Maker experts) {
        int hidden = config.hiddenSize();
        int queries = config.heads() * config.headSize();
        int keys = config.kvHeads() * config.headSize();
        return new LayerWeights(
                random.norm(type, hidden),
                attention.make(queries, hidden),
                attention.make(keys, hidden),
                attention.make(keys, hidden),
                attention.make(hidden, queries),
                random.norm(type, hidden),
                random.dense(type, config.experts(), hidden),
                IntStream.range(0, config.experts())
                        .mapToObj(expert -> new ExpertWeights(
                                experts.make(config.intermediateSize(), hidden),
                                experts.make(config.intermediateSize(), hidden),
                                experts.make(hidden, config.intermediateSize())))
                        .toList());
    }
}
