package dev.gatun.checkpoint;

import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.WeightMatrix;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/** Finds every weight of a Mixtral in a table of tensors, by the names that transformers 4.36 gives them. */
final class WeightReader {
    private static final Predicate<String> ROTARY_TABLE = Pattern.compile(
                    "model\\.layers\\.\\d+\\.self_attn\\.rotary_emb\\.inv_freq")
            .asMatchPredicate();
    private static final Predicate<String> FUSED_EXPERTS =
            Pattern.compile(".*\\.experts\\.(gate_up_proj|down_proj)(\\..*)?").asMatchPredicate();

    private final MixtralConfig config;
    private final TensorTable table;
    private final DenseReader dense;
    private final HqqReader hqq;
    private final NarrowReader narrow;
    private final BlockReader blocks;
    private final boolean quantized;

    private WeightReader(MixtralConfig config, TensorTable table, Statements statements, Arena arena) {
        this.config = config;
        this.table = table;
        this.dense = new DenseReader(table);
        this.hqq = new HqqReader(table, statements, arena);
        this.narrow = new NarrowReader(table);
        this.blocks = new BlockReader(table, config);
        this.quantized = table.find(name -> name.endsWith(".W_q")).isPresent();
    }

    /**
     * Views of all weights.
     *
     * @param statements what is said of HQQ's matrices
     * @param arena 3-bit codes are widened in its memory
     * @throws CheckpointException if a tensor is missing, too many, or not of the shape that the configuration gives it
     */
    static ModelWeights read(MixtralConfig config, TensorTable table, Statements statements, Arena arena) {
        table.find(FUSED_EXPERTS).ifPresent(name -> {
            throw new CheckpointException(table.take(name).where()
                    + " holds all experts of a layer in one; Gatun reads one tensor per expert matrix"
                    + " (`block_sparse_moe.experts.0.w1.weight`): save the model with transformers 4");
        });
        ModelWeights weights = new WeightReader(config, table, statements, arena).model();
        statements.requireAllMet();
        table.ignore(ROTARY_TABLE);
        table.requireAllTaken();
        return weights;
    }

    /** Views of the experts of a layer, whose tensors the table has. */
    static List<ExpertWeights> experts(MixtralConfig config, TensorTable table, int layer, Arena arena) {
        return new WeightReader(config, table, Statements.none(), arena).experts(layer);
    }

    private ModelWeights model() {
        int vocabulary = config.vocabularySize();
        DenseMatrix embeddings = dense.matrix("model.embed_tokens.weight", vocabulary, config.hiddenSize());
        WeightMatrix head =
                config.tiedEmbeddings() ? tiedHead(embeddings) : matrix("lm_head", vocabulary, config.hiddenSize());
        List<LayerWeights> layers =
                IntStream.range(0, config.layers()).mapToObj(this::layer).toList();
        return new ModelWeights(embeddings, layers, dense.vector("model.norm.weight", config.hiddenSize()), head);
    }

    /** Some programs store the head though it is tied; if it is not the embeddings, one of the two files lies. */
    private DenseMatrix tiedHead(DenseMatrix embeddings) {
        if (table.has("lm_head.weight")) {
            StoredTensor head = table.take("lm_head.weight");
            if (head.tensor().data().mismatch(embeddings.values()) >= 0) {
                throw new CheckpointException(head.where() + " differs from the embeddings, though config.json ties"
                        + " them; get config.json and weights of one model");
            }
        }
        return embeddings;
    }

    private LayerWeights layer(int layer) {
        String name = "model.layers." + layer + ".";
        String attention = name + "self_attn.";
        int hidden = config.hiddenSize();
        int queries = config.heads() * config.headSize();
        int keys = config.kvHeads() * config.headSize();
        return new LayerWeights(
                dense.vector(name + "input_layernorm.weight", hidden),
                matrix(attention + "q_proj", queries, hidden),
                matrix(attention + "k_proj", keys, hidden),
                matrix(attention + "v_proj", keys, hidden),
                matrix(attention + "o_proj", hidden, queries),
                dense.vector(name + "post_attention_layernorm.weight", hidden),
                dense.matrix(name + "block_sparse_moe.gate.weight", config.experts(), hidden),
                experts(layer));
    }

    private List<ExpertWeights> experts(int layer) {
        return IntStream.range(0, config.experts())
                .mapToObj(expert -> expert(LayerTensors.prefix(layer, expert)))
                .toList();
    }

    private ExpertWeights expert(String name) {
        if (table.has(name + BlockReader.NAME)) {
            return blocks.expert(name + BlockReader.NAME);
        }
        int hidden = config.hiddenSize();
        int intermediate = config.intermediateSize();
        return new ExpertWeights(
                matrix(name + "w1", intermediate, hidden),
                matrix(name + "w3", intermediate, hidden),
                matrix(name + "w2", hidden, intermediate));
    }

    private WeightMatrix matrix(String name, int rows, int columns) {
        if (table.has(name + NarrowReader.METAS)) {
            return narrow.matrix(name, rows, columns);
        }
        boolean plain = table.has(name + ".weight") && !table.has(name + ".W_q");
        return quantized && !plain ? hqq.matrix(name, rows, columns) : dense.matrix(name + ".weight", rows, columns);
    }
}
