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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/** The tensors of a model by the names of transformers 4.36, spelled out apart from the reader it is to test. */
final class NamedWeights {
    record Value(TensorType type, List<Integer> shape, MemorySegment data) {}

    private NamedWeights() {}

    /** Everything but the experts. */
    static SequencedMap<String, Value> trunk(ModelWeights weights, boolean tied) {
        SequencedMap<String, Value> tensors = new LinkedHashMap<>();
        tensors.put("model.embed_tokens.weight", dense(weights.embeddings()));
        if (!tied) {
            put(tensors, "lm_head", weights.head());
        }
        tensors.put("model.norm.weight", vector(weights.finalNorm()));
        for (int i = 0; i < weights.layers().size(); i++) {
            LayerWeights layer = weights.layers().get(i);
            String name = "model.layers." + i + ".";
            tensors.put(name + "input_layernorm.weight", vector(layer.attentionNorm()));
            tensors.put(name + "post_attention_layernorm.weight", vector(layer.expertNorm()));
            tensors.put(name + "block_sparse_moe.gate.weight", dense(layer.router()));
            put(tensors, name + "self_attn.q_proj", layer.query());
            put(tensors, name + "self_attn.k_proj", layer.key());
            put(tensors, name + "self_attn.v_proj", layer.value());
            put(tensors, name + "self_attn.o_proj", layer.output());
        }
        return tensors;
    }

    /** One expert, with names from {@code w1} on. */
    static SequencedMap<String, Value> expert(ExpertWeights expert) {
        SequencedMap<String, Value> tensors = new LinkedHashMap<>();
        put(tensors, "w1", expert.gate());
        put(tensors, "w2", expert.down());
        put(tensors, "w3", expert.up());
        return tensors;
    }

    static String expertPrefix(int layer, int expert) {
        return "model.layers." + layer + ".block_sparse_moe.experts." + expert + ".";
    }

    private static void put(SequencedMap<String, Value> tensors, String name, WeightMatrix matrix) {
        switch (matrix) {
            case DenseMatrix dense -> tensors.put(name + ".weight", dense(dense));
            case HqqMatrix hqq -> putHqq(tensors, name, hqq);
            case NarrowMatrix narrow -> throw new IllegalArgumentException("no offloading checkpoint holds " + narrow);
            case TiledMatrix tiled -> throw new IllegalArgumentException("no offloading checkpoint holds " + tiled);
        }
    }

    /** With the shapes of HQQ 0.1.1. */
    private static void putHqq(SequencedMap<String, Value> tensors, String name, HqqMatrix hqq) {
        int groups = Math.toIntExact(hqq.scaleCodes().byteSize());
        int scaleGroup = hqq.scheme().scaleGroup();
        int packed = hqq.scheme().groupSize() * hqq.scheme().bits() / 8;
        int pairs = groups / scaleGroup;
        tensors.put(name + ".W_q", value(TensorType.U8, List.of(packed, groups), hqq.codes()));
        tensors.put(name + ".meta.scale_q", value(TensorType.U8, List.of(scaleGroup, pairs), hqq.scaleCodes()));
        tensors.put(name + ".meta.meta_scale.scale", value(TensorType.F16, List.of(1, pairs), hqq.scaleScales()));
        tensors.put(name + ".meta.meta_scale.zero", value(TensorType.F16, List.of(1, pairs), hqq.scaleZeros()));
        tensors.put(name + ".meta.zero_q", value(TensorType.U8, List.of(1, groups), hqq.zeroCodes()));
        tensors.put(name + ".meta.meta_zero.scale", scalar(hqq.zeroScale()));
        tensors.put(name + ".meta.meta_zero.zero", scalar(hqq.zeroZero()));
    }

    private static Value dense(DenseMatrix matrix) {
        return value(type(matrix.type()), List.of(matrix.rows(), matrix.columns()), matrix.values());
    }

    private static Value vector(DenseMatrix matrix) {
        return value(type(matrix.type()), List.of(matrix.columns()), matrix.values());
    }

    private static Value scalar(float value) {
        byte[] bytes = ByteBuffer.allocate(Short.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putShort(Float.floatToFloat16(value))
                .array();
        return new Value(TensorType.F16, List.of(), MemorySegment.ofArray(bytes));
    }

    private static Value value(TensorType type, List<Integer> shape, MemorySegment bytes) {
        return new Value(type, shape, bytes);
    }

    private static TensorType type(FloatType type) {
        return switch (type) {
            case F32 -> TensorType.F32;
            case F16 -> TensorType.F16;
            case BF16 -> TensorType.BF16;
        };
    }
}
