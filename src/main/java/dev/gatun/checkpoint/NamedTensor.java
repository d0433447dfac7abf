package dev.gatun.checkpoint;

import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.FloatType;
import dev.gatun.quant.HqqMatrix;
import dev.gatun.quant.NarrowMatrix;
import dev.gatun.quant.TiledMatrix;
import dev.gatun.quant.WeightMatrix;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;

/**
 * A tensor that is to be written.
 *
 * @param name its full name
 * @param type the type of each element
 * @param shape outermost first; empty for a scalar
 * @param data exactly its elements, little-endian, row-major
 */
public record NamedTensor(String name, TensorType type, List<Long> shape, MemorySegment data) {
    public NamedTensor {
        shape = List.copyOf(shape);
        long count = shape.stream().mapToLong(Long::longValue).reduce(1, Math::multiplyExact);
        if (data.byteSize() != Math.multiplyExact(count, (long) type.bytes())) {
            throw new IllegalArgumentException(name + ": " + data.byteSize() + " bytes do not fit its shape");
        }
    }

    /** A tensor of a file, by its full name. */
    static NamedTensor of(String name, Tensor tensor) {
        return new NamedTensor(name, tensor.type(), tensor.shape(), tensor.data());
    }

    /** The weights of a norm, a vector. */
    public static NamedTensor vector(String name, DenseMatrix vector) {
        return new NamedTensor(name, type(vector.type()), List.of((long) vector.columns()), vector.values());
    }

    /**
     * The tensors that a matrix is stored in: one where it is not quantized; seven of HQQ, with the shapes of HQQ 0.1.1; or
     * three of Gatun's own scheme.
     *
     * @param name of the matrix, without {@code .weight}
     * @throws IllegalArgumentException for tiles, which are stored by the expert
     */
    public static List<NamedTensor> of(String name, WeightMatrix matrix) {
        return switch (matrix) {
            case DenseMatrix dense ->
                List.of(new NamedTensor(
                        name + ".weight", type(dense.type()), shape(dense.rows(), dense.columns()), dense.values()));
            case HqqMatrix hqq -> of(name, hqq);
            case NarrowMatrix narrow -> of(name, narrow);
            case TiledMatrix tiled -> throw new IllegalArgumentException(name + ": a part of an expert in tiles");
        };
    }

    /** An expert in tiles; {@code prefix} ends in a dot. */
    public static NamedTensor tiles(String prefix, MemorySegment block) {
        return new NamedTensor(prefix + BlockReader.NAME, TensorType.U8, shape(block.byteSize()), block);
    }

    private static List<NamedTensor> of(String name, HqqMatrix hqq) {
        long groups = hqq.scaleCodes().byteSize();
        long pairs = groups / hqq.scheme().scaleGroup();
        String meta = name + ".meta.";
        return List.of(
                codes(name, groups, hqq.codes()),
                new NamedTensor(
                        meta + "scale_q", TensorType.U8, shape(hqq.scheme().scaleGroup(), pairs), hqq.scaleCodes()),
                new NamedTensor(meta + "meta_scale.scale", TensorType.F16, shape(1, pairs), hqq.scaleScales()),
                new NamedTensor(meta + "meta_scale.zero", TensorType.F16, shape(1, pairs), hqq.scaleZeros()),
                new NamedTensor(meta + "zero_q", TensorType.U8, shape(1, groups), hqq.zeroCodes()),
                new NamedTensor(meta + "meta_zero.scale", TensorType.F16, List.of(), half(hqq.zeroScale())),
                new NamedTensor(meta + "meta_zero.zero", TensorType.F16, List.of(), half(hqq.zeroZero())));
    }

    private static List<NamedTensor> of(String name, NarrowMatrix narrow) {
        long groups = narrow.metas().byteSize();
        long groupRows = narrow.rows() / narrow.scheme().groupSize();
        return List.of(
                codes(name, groups, narrow.codes()),
                new NamedTensor(
                        name + NarrowReader.METAS, TensorType.U8, shape(groupRows, narrow.columns()), narrow.metas()),
                new NamedTensor(
                        name + NarrowReader.PAIRS,
                        TensorType.F16,
                        shape(groupRows, NarrowMatrix.pairColumns(narrow.columns()), 4),
                        narrow.pairs()));
    }

    private static NamedTensor codes(String name, long groups, MemorySegment codes) {
        return new NamedTensor(name + ".W_q", TensorType.U8, shape(codes.byteSize() / groups, groups), codes);
    }

    private static List<Long> shape(long... dimensions) {
        return Arrays.stream(dimensions).boxed().toList();
    }

    private static MemorySegment half(float value) {
        byte[] bytes = ByteBuffer.allocate(Short.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putShort(Float.floatToFloat16(value))
                .array();
        return MemorySegment.ofArray(bytes);
    }

    private static TensorType type(FloatType type) {
        return switch (type) {
            case F32 -> TensorType.F32;
            case F16 -> TensorType.F16;
            case BF16 -> TensorType.BF16;
        };
    }
}
