package dev.gatun.checkpoint;

import java.util.ArrayList;
import java.util.List;

/** Everything but the experts as tensors that {@link GatunWriter#writeTrunk} writes. */
public final class TrunkTensors {
    private TrunkTensors() {}

    /** The tensors of a model; its experts are not looked at. */
    public static List<NamedTensor> of(MixtralConfig config, ModelWeights weights) {
        List<NamedTensor> tensors = new ArrayList<>();
        tensors.addAll(NamedTensor.of("model.embed_tokens", weights.embeddings()));
        tensors.add(NamedTensor.vector("model.norm.weight", weights.finalNorm()));
        if (!config.tiedEmbeddings()) {
            tensors.addAll(NamedTensor.of("lm_head", weights.head()));
        }
        for (int i = 0; i < weights.layers().size(); i++) {
            addLayer(tensors, "model.layers." + i + ".", weights.layers().get(i));
        }
        return tensors;
    }

    private static void addLayer(List<NamedTensor> tensors, String name, LayerWeights layer) {
        tensors.add(NamedTensor.vector(name + "input_layernorm.weight", layer.attentionNorm()));
        tensors.add(NamedTensor.vector(name + "post_attention_layernorm.weight", layer.expertNorm()));
        tensors.addAll(NamedTensor.of(name + "block_sparse_moe.gate", layer.router()));
        tensors.addAll(NamedTensor.of(name + "self_attn.q_proj", layer.query()));
        tensors.addAll(NamedTensor.of(name + "self_attn.k_proj", layer.key()));
        tensors.addAll(NamedTensor.of(name + "self_attn.v_proj", layer.value()));
        tensors.addAll(NamedTensor.of(name + "self_attn.o_proj", layer.output()));
    }
}
