package dev.gatun.checkpoint;

import dev.gatun.quant.HqqMatrix;
import dev.gatun.quant.WeightMatrix;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Tensors of a model in which HQQ packed codes of 3 bits into int32, as Gatun's own format has such codes: their order, which
 * the files do not tell, need not be known from then on. Where groups are no multiple of 8, codes become those of 4 bits.
 *
 * @param source the model
 * @param arena what is made lives there; it lets several threads use it
 */
record ThreeBitTensors(Checkpoint source, Arena arena) {
    /** Whether a tensor of this full name has such codes. */
    static boolean has(String name, Tensor tensor) {
        return tensor.type() == TensorType.I32 && name.endsWith(HqqReader.CODES);
    }

    /** Everything but the experts. */
    List<NamedTensor> trunk() {
        ModelWeights weights = source.weights();
        List<LayerWeights> layers = IntStream.range(0, weights.layers().size())
                .mapToObj(layer -> attention(
                        "model.layers." + layer + ".self_attn.",
                        weights.layers().get(layer)))
                .toList();
        WeightMatrix head = source.config().tiedEmbeddings() ? weights.head() : matrix("lm_head", weights.head());
        return TrunkTensors.of(
                source.config(), new ModelWeights(weights.embeddings(), layers, weights.finalNorm(), head));
    }

    private LayerWeights attention(String name, LayerWeights layer) {
        return new LayerWeights(
                layer.attentionNorm(),
                matrix(name + "q_proj", layer.query()),
                matrix(name + "k_proj", layer.key()),
                matrix(name + "v_proj", layer.value()),
                matrix(name + "o_proj", layer.output()),
                layer.expertNorm(),
                layer.router(),
                layer.experts());
    }

    /** The experts of a layer. */
    List<NamedTensor> experts(int layer) {
        List<ExpertWeights> experts = source.weights().layers().get(layer).experts();
        List<ExpertWeights> packed = IntStream.range(0, experts.size())
                .mapToObj(expert -> expert(LayerTensors.prefix(layer, expert), experts.get(expert)))
                .toList();
        return new LayerTensors(layer, packed).matrices();
    }

    private ExpertWeights expert(String name, ExpertWeights expert) {
        return new ExpertWeights(
                matrix(name + "w1", expert.gate()),
                matrix(name + "w3", expert.up()),
                matrix(name + "w2", expert.down()));
    }

    private WeightMatrix matrix(String name, WeightMatrix matrix) {
        Tensor codes = source.tensors().get(name + HqqReader.CODES);
        boolean isThreeBit = codes != null && has(name + HqqReader.CODES, codes);
        return isThreeBit && matrix instanceof HqqMatrix hqq ? hqq.inThreeBits(arena) : matrix;
    }
}
