package dev.gatun.bench;

import dev.gatun.checkpoint.LayerWeights;
import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.checkpoint.ModelWeights;
import dev.gatun.offload.QuantizedShapes;
import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.FloatType;
import dev.gatun.quant.HqqMatrix;
import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.TileShape;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Makes all of a model but its experts, with random numbers: 4-bit attention, the rest in binary16. Norms are ones and each
 * product keeps the magnitude of its input, so attention and experts add about as much to a token in every layer, and
 * logits have a deviation of about 1.5.
 */
final class SyntheticTrunk {
    private static final int BITS = 4;
    private static final int META_BITS = 8;
    private static final int EMBEDDING_EXPONENT = -2;
    private static final int ALIGNMENT = 64;

    private final MixtralConfig config;
    private final QuantizedShapes shapes;
    private final Arena arena;

    /** Makes trunks in an arena that any thread may use. */
    SyntheticTrunk(MixtralConfig config, QuantizedShapes shapes, Arena arena) {
        this.config = config;
        this.shapes = shapes;
        this.arena = arena;
    }

    /** The weights; no layer has experts. */
    ModelWeights make(Noise noise) {
        DenseMatrix embeddings = halves(config.vocabularySize(), EMBEDDING_EXPONENT, noise.split());
        DenseMatrix head =
                config.tiedEmbeddings() ? embeddings : halves(config.vocabularySize(), unitExponent(), noise.split());
        List<Noise> noises = IntStream.range(0, config.layers())
                .mapToObj(layer -> noise.split())
                .toList();
        List<LayerWeights> layers = noises.parallelStream().map(this::layer).toList();
        return new ModelWeights(embeddings, layers, ones(), head);
    }

    private LayerWeights layer(Noise noise) {
        return new LayerWeights(
                ones(),
                quantized(shapes.query(), noise),
                quantized(shapes.key(), noise),
                quantized(shapes.key(), noise),
                quantized(shapes.output(), noise),
                ones(),
                halves(config.experts(), unitExponent(), noise),
                List.of());
    }

    /** Where numbers have about the magnitude 1 / sqrt(hidden). */
    private int unitExponent() {
        return Math.getExponent(1 / Math.sqrt(config.hiddenSize()));
    }

    private DenseMatrix halves(int rows, int exponent, Noise noise) {
        MemorySegment values = allocate((long) rows * config.hiddenSize() * Short.BYTES);
        noise.halves(values, exponent);
        return new DenseMatrix(FloatType.F16, rows, config.hiddenSize(), values.asReadOnly());
    }

    private DenseMatrix ones() {
        MemorySegment values = allocate((long) config.hiddenSize() * Short.BYTES);
        for (long at = 0; at < values.byteSize(); at += Short.BYTES) {
            Noise.set(values, at, Noise.half(1));
        }
        return new DenseMatrix(FloatType.F16, 1, config.hiddenSize(), values.asReadOnly());
    }

    /** A matrix that takes this shape in tiles. */
    private HqqMatrix quantized(TileShape shape, Noise noise) {
        int groupSize = shape.format().groupSize();
        int groups = shape.groupRows() * shape.columns();
        RandomScales scales = RandomScales.of(BITS, META_BITS, shape.columns());
        MemorySegment scaleScales = allocate((long) shape.pairs() * Short.BYTES);
        MemorySegment scaleZeros = allocate((long) shape.pairs() * Short.BYTES);
        for (long at = 0; at < scaleScales.byteSize(); at += Short.BYTES) {
            Noise.set(scaleScales, at, noise.halfNear(scales.scaleScale()));
            Noise.set(scaleZeros, at, Noise.half(scales.scaleZero()));
        }
        return new HqqMatrix(
                new HqqScheme(BITS, groupSize, groups / shape.pairs()),
                shape.rows(),
                shape.columns(),
                bytes((long) shape.rows() * shape.columns() * BITS / Byte.SIZE, noise),
                bytes(groups, noise),
                scaleScales.asReadOnly(),
                scaleZeros.asReadOnly(),
                bytes(groups, noise),
                (float) scales.zeroScale(),
                0);
    }

    private MemorySegment bytes(long count, Noise noise) {
        MemorySegment bytes = allocate(count);
        noise.bytes(bytes);
        return bytes.asReadOnly();
    }

    private MemorySegment allocate(long bytes) {
        return arena.allocate(bytes, ALIGNMENT);
    }
}
