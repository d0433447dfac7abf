package dev.gatun.engine.cuda;

import dev.gatun.checkpoint.ExpertWeights;
import dev.gatun.checkpoint.LayerWeights;
import dev.gatun.checkpoint.ModelWeights;
import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.offload.ExpertSource;
import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.Dequantizer;
import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.FloatType;
import dev.gatun.quant.HqqMatrix;
import dev.gatun.quant.HqqTiler;
import dev.gatun.quant.JavaTiler;
import dev.gatun.quant.NarrowMatrix;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TileShape;
import dev.gatun.quant.TiledMatrix;
import dev.gatun.quant.WeightMatrix;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/** Brings a model's weights into device memory, quantized ones in tiles. */
final class WeightLoader {
    private static final long TILE_ALIGNMENT = 256;

    /** Experts whose tiles are in host memory together: 531 MB of an 8x7B. */
    private static final int AT_ONCE = 8;

    private final CudaStream stream;
    private final DeviceArena arena;

    WeightLoader(CudaStream stream, DeviceArena arena) {
        this.stream = stream;
        this.arena = arena;
    }

    /**
     * Copies what is resident.
     *
     * @param inHost the embeddings, if they are not to be resident
     * @param experts what becomes of the experts of a layer
     */
    CudaWeights load(ModelWeights weights, Optional<EmbeddingTable.InHost> inHost, IntFunction<LayerExperts> experts) {
        // Its exponent serves the head where the two are one.
        Optional<DeviceMatrix.Dense> both = weights.head().equals(weights.embeddings())
                ? Optional.of(multiplied(weights.embeddings()))
                : Optional.empty();
        EmbeddingTable embeddings = inHost.<EmbeddingTable>map(table -> table)
                .orElseGet(() -> new EmbeddingTable.OnDevice(both.orElseGet(() -> dense(weights.embeddings()))));
        return new CudaWeights(
                embeddings,
                IntStream.range(0, weights.layers().size())
                        .mapToObj(index -> layer(weights.layers().get(index), experts.apply(index)))
                        .toList(),
                norm(weights.finalNorm()),
                both.<DeviceMatrix>map(matrix -> matrix).orElseGet(() -> matrix(weights.head())));
    }

    private CudaWeights.Layer layer(LayerWeights layer, LayerExperts experts) {
        return new CudaWeights.Layer(
                norm(layer.attentionNorm()),
                Projections.of(List.of(matrix(layer.query()), matrix(layer.key()), matrix(layer.value()))),
                matrix(layer.output()),
                norm(layer.expertNorm()),
                dense(layer.router()),
                experts);
    }

    private DeviceMatrix matrix(WeightMatrix matrix) {
        return switch (matrix) {
            case DenseMatrix dense -> multiplied(dense);
            case HqqMatrix hqq -> quantized(hqq);
            case NarrowMatrix narrow -> untiled(narrow);
            case TiledMatrix tiled -> widened(tiled);
        };
    }

    private DeviceMatrix quantized(HqqMatrix matrix) {
        try (Arena host = Arena.ofShared()) {
            HqqMatrix centered = matrix.centered(host);
            return TileShape.of(centered)
                    .filter(shape -> shape.format() == TileFormat.Q4)
                    .<DeviceMatrix>map(shape -> tiled(centered, shape))
                    .orElseGet(() -> copied(centered));
        }
    }

    /** For the batched products, which want the exponent. */
    private DeviceMatrix.Dense multiplied(DenseMatrix matrix) {
        return dense(matrix, DenseExponent.of(matrix));
    }

    private DeviceMatrix.Dense dense(DenseMatrix matrix) {
        return dense(matrix, 0);
    }

    private DeviceMatrix.Dense dense(DenseMatrix matrix, int exponent) {
        return new DeviceMatrix.Dense(matrix.type(), matrix.rows(), matrix.columns(), exponent, copy(matrix.values()));
    }

    /** Kernels read whole experts in tiles of 2 bits, not a part of one. */
    private DeviceMatrix.Dense widened(WeightMatrix matrix) {
        // Several threads look for the largest value.
        try (Arena host = Arena.ofShared()) {
            MemorySegment values = host.allocateFrom(ValueLayout.JAVA_FLOAT, Dequantizer.toFloats(matrix));
            return multiplied(new DenseMatrix(FloatType.F32, matrix.rows(), matrix.columns(), values));
        }
    }

    private DeviceMemory copy(MemorySegment bytes) {
        DeviceMemory memory = arena.allocate(bytes.byteSize());
        memory.upload(0, bytes, stream);
        return memory;
    }

    private DeviceMatrix.Hqq untiled(HqqMatrix matrix) {
        try (Arena host = Arena.ofShared()) {
            return copied(matrix.computable(host));
        }
    }

    private DeviceMatrix.Hqq copied(HqqMatrix matrix) {
        return new DeviceMatrix.Hqq(
                matrix.scheme(),
                matrix.rows(),
                matrix.columns(),
                copy(matrix.codes()),
                copy(matrix.scaleCodes()),
                copy(matrix.scaleScales()),
                copy(matrix.scaleZeros()),
                copy(matrix.zeroCodes()),
                matrix.zeroScale(),
                matrix.zeroZero());
    }

    private DeviceMatrix.Narrow untiled(NarrowMatrix matrix) {
        try (Arena host = Arena.ofShared()) {
            NarrowMatrix computable = matrix.computable(host);
            return new DeviceMatrix.Narrow(
                    computable.scheme(),
                    matrix.rows(),
                    matrix.columns(),
                    copy(computable.codes()),
                    copy(matrix.metas()),
                    copy(matrix.pairs()));
        }
    }

    private DeviceMatrix.Tiled tiled(HqqMatrix matrix, TileShape shape) {
        try (Arena host = Arena.ofShared()) {
            MemorySegment tiles = host.allocate(shape.bytes(), TILE_ALIGNMENT);
            HqqTiler.tile(matrix, shape, tiles);
            DeviceMemory memory = arena.allocate(shape.bytes());
            memory.upload(0, tiles, stream);
            return new DeviceMatrix.Tiled(shape, memory);
        }
    }

    /** A norm's weights as its kernels read them, in float32. */
    private DeviceMemory norm(DenseMatrix weights) {
        DeviceMemory values = arena.allocate((long) weights.columns() * Float.BYTES);
        try (Arena host = Arena.ofConfined()) {
            values.upload(0, host.allocateFrom(ValueLayout.JAVA_FLOAT, Dequantizer.toFloats(weights)), stream);
        }
        return values;
    }

    /** All experts of a layer, as they lie in a checkpoint. */
    LayerExperts experts(List<ExpertWeights> experts) {
        return blockOf(experts)
                .<LayerExperts>map(block -> tiled(
                        block,
                        experts.size(),
                        (expert, target) -> experts.get(expert).write(block, new JavaTiler(), target)))
                .orElseGet(() -> untiled(experts));
    }

    /** All experts of a layer, from where they are made. */
    LayerExperts experts(ExpertSource source, int layer, int count) {
        return tiled(source.block(), count, (expert, target) -> source.write(layer, expert, target));
    }

    /** Writes one expert's block; several threads call it at once. */
    @FunctionalInterface
    private interface BlockWriter {
        void write(int expert, MemorySegment target);
    }

    /** Copies what lies in the checkpoint, and a table that describes it. */
    private LayerExperts.Untiled untiled(List<ExpertWeights> experts) {
        KernelStruct table = KernelStruct.allocate(3L * experts.size() * AnyMatrixLayout.BYTES);
        long offset = 0;
        for (ExpertWeights expert : experts) {
            for (WeightMatrix part : List.of(expert.gate(), expert.up(), expert.down())) {
                AnyMatrixLayout.write(asItLies(part), table.part(offset, AnyMatrixLayout.BYTES));
                offset += AnyMatrixLayout.BYTES;
            }
        }
        WeightMatrix gate = experts.getFirst().gate();
        return new LayerExperts.Untiled(gate.columns(), gate.rows(), copy(table.bytes()));
    }

    private DeviceMatrix.Untiled asItLies(WeightMatrix matrix) {
        return switch (matrix) {
            case DenseMatrix dense -> dense(dense);
            case HqqMatrix hqq -> untiled(hqq);
            case NarrowMatrix narrow -> untiled(narrow);
            case TiledMatrix tiled -> widened(tiled);
        };
    }

    /** Makes a layer's blocks, a few of them side by side, and copies those at once. */
    private LayerExperts.Tiled tiled(ExpertBlock block, int count, BlockWriter writer) {
        DeviceMemory blocks = arena.allocate(count * block.bytes());
        try (Arena host = Arena.ofShared()) {
            MemorySegment pointers = host.allocate((long) count * Long.BYTES, Long.BYTES);
            MemorySegment some = host.allocate(Math.min(count, AT_ONCE) * block.bytes(), ExpertBlock.ALIGNMENT);
            for (int first = 0; first < count; first += AT_ONCE) {
                int begin = first;
                int used = Math.min(count - first, AT_ONCE);
                IntStream.range(0, used)
                        .parallel()
                        .forEach(i -> writer.write(begin + i, some.asSlice(i * block.bytes(), block.bytes())));
                blocks.upload(first * block.bytes(), some.asSlice(0, used * block.bytes()), stream);
            }
            for (int expert = 0; expert < count; expert++) {
                blocks.storeAddress(expert * block.bytes(), pointers, (long) expert * Long.BYTES);
            }
            return new LayerExperts.Tiled(block, copy(pointers));
        }
    }

    /** The block that all experts of a layer share, if they are 2-bit tiles of one shape. */
    private static Optional<ExpertBlock> blockOf(List<ExpertWeights> experts) {
        List<Optional<ExpertBlock>> blocks =
                experts.stream().map(ExpertWeights::block).distinct().toList();
        return blocks.getFirst()
                .filter(block -> blocks.size() == 1 && block.gate().format() != TileFormat.Q4);
    }
}
