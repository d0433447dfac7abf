package dev.gatun.engine.cpu;

import dev.gatun.checkpoint.ExpertWeights;
import dev.gatun.checkpoint.LayerWeights;
import dev.gatun.checkpoint.ModelWeights;
import dev.gatun.cpu.CpuExperts;
import dev.gatun.cpu.CpuFloatType;
import dev.gatun.cpu.CpuMatrix;
import dev.gatun.cpu.HqqLayout;
import dev.gatun.cpu.TiledExpert;
import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.Dequantizer;
import dev.gatun.quant.HqqMatrix;
import dev.gatun.quant.NarrowMatrix;
import dev.gatun.quant.TiledMatrix;
import dev.gatun.quant.WeightMatrix;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.function.Function;

/** A model's weights as the CPU library sees them: descriptors of the very bytes that the checkpoint maps, but for codes of 3
 * bits, which are widened to 4. */
record CpuWeights(CpuMatrix embeddings, List<Layer> layers, CpuMatrix finalNorm, CpuMatrix head) {
    /** One decoder layer; the components mean what they mean in {@link LayerWeights}. */
    record Layer(
            CpuMatrix attentionNorm,
            CpuMatrix query,
            CpuMatrix key,
            CpuMatrix value,
            CpuMatrix output,
            CpuMatrix expertNorm,
            CpuMatrix router,
            LayerExperts experts) {}

    static CpuWeights describe(Arena arena, ModelWeights weights) {
        return new CpuWeights(
                matrix(arena, weights.embeddings()),
                weights.layers().stream().map(layer -> layer(arena, layer)).toList(),
                matrix(arena, weights.finalNorm()),
                matrix(arena, weights.head()));
    }

    private static Layer layer(Arena arena, LayerWeights layer) {
        return new Layer(
                matrix(arena, layer.attentionNorm()),
                matrix(arena, layer.query()),
                matrix(arena, layer.key()),
                matrix(arena, layer.value()),
                matrix(arena, layer.output()),
                matrix(arena, layer.expertNorm()),
                matrix(arena, layer.router()),
                experts(arena, layer.experts()));
    }

    private static LayerExperts experts(Arena arena, List<ExpertWeights> experts) {
        if (experts.stream().allMatch(expert -> expert.stored().isPresent())) {
            return new LayerExperts.Tiles(
                    experts.stream().map(expert -> tiled(arena, expert)).toList());
        }
        return new LayerExperts.Matrices(CpuExperts.of(
                arena,
                all(arena, experts, ExpertWeights::gate),
                all(arena, experts, ExpertWeights::up),
                all(arena, experts, ExpertWeights::down)));
    }

    private static TiledExpert tiled(Arena arena, ExpertWeights expert) {
        return TiledExpert.of(
                arena,
                TiledShapes.of(expert.block().orElseThrow()),
                expert.stored().orElseThrow().bytes());
    }

    private static List<CpuMatrix> all(
            Arena arena, List<ExpertWeights> experts, Function<ExpertWeights, WeightMatrix> part) {
        return experts.stream().map(expert -> matrix(arena, part.apply(expert))).toList();
    }

    /** Describes a matrix of any kind to the CPU library. */
    static CpuMatrix matrix(Arena arena, WeightMatrix matrix) {
        return switch (matrix) {
            case DenseMatrix dense ->
                CpuMatrix.dense(arena, type(dense), dense.rows(), dense.columns(), dense.values());
            case HqqMatrix hqq -> hqq(arena, hqq.computable(arena));
            case NarrowMatrix narrow -> narrow(arena, narrow.computable(arena));
            case TiledMatrix tiled -> widened(arena, tiled);
        };
    }

    /** The library multiplies with whole experts in tiles, not with a part of one. */
    private static CpuMatrix widened(Arena arena, WeightMatrix matrix) {
        MemorySegment values = arena.allocateFrom(ValueLayout.JAVA_FLOAT, Dequantizer.toFloats(matrix));
        return CpuMatrix.dense(arena, CpuFloatType.F32, matrix.rows(), matrix.columns(), values);
    }

    /** Describes a matrix to the CPU library; its codes are not of 3 bits. */
    static CpuMatrix hqq(Arena arena, HqqMatrix hqq) {
        return CpuMatrix.hqq(
                arena,
                new HqqLayout(
                        hqq.scheme().bits(),
                        hqq.scheme().groupSize(),
                        hqq.scheme().scaleGroup()),
                hqq.rows(),
                hqq.columns(),
                hqq.codes(),
                hqq.scaleCodes(),
                hqq.scaleScales(),
                hqq.scaleZeros(),
                hqq.zeroCodes(),
                hqq.zeroScale(),
                hqq.zeroZero());
    }

    private static CpuMatrix narrow(Arena arena, NarrowMatrix narrow) {
        return CpuMatrix.narrow(
                arena,
                narrow.scheme().bits(),
                narrow.scheme().groupSize(),
                narrow.rows(),
                narrow.columns(),
                narrow.codes(),
                narrow.metas(),
                narrow.pairs());
    }

    private static CpuFloatType type(DenseMatrix matrix) {
        return switch (matrix.type()) {
            case F32 -> CpuFloatType.F32;
            case F16 -> CpuFloatType.F16;
            case BF16 -> CpuFloatType.BF16;
        };
    }
}
