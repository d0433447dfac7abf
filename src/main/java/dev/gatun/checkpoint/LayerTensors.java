package dev.gatun.checkpoint;

import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.MatrixTiler;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The experts of one layer as tensors that {@link GatunWriter#writeLayer} writes.
 *
 * @param layer its number
 * @param experts all of them
 */
public record LayerTensors(int layer, List<ExpertWeights> experts) {
    public LayerTensors {
        experts = List.copyOf(experts);
    }

    /** What the names of an expert's tensors begin with; ends in a dot. */
    public static String prefix(int layer, int expert) {
        return "model.layers." + layer + ".block_sparse_moe.experts." + expert + ".";
    }

    /** Whether all experts can lie in blocks of this shape. */
    public boolean fit(ExpertBlock block) {
        return experts.stream()
                .allMatch(expert -> expert.block().filter(block::equals).isPresent());
    }

    /**
     * Tiles all experts, several at once.
     *
     * @param block they fit it
     * @param arena holds the tiles; it lets several threads use them
     */
    public List<NamedTensor> tiles(ExpertBlock block, MatrixTiler tiler, Arena arena) {
        MemorySegment all = arena.allocate(experts.size() * block.bytes(), ExpertBlock.ALIGNMENT);
        return IntStream.range(0, experts.size())
                .parallel()
                .mapToObj(expert -> {
                    MemorySegment target = all.asSlice(expert * block.bytes(), block.bytes());
                    experts.get(expert).write(block, tiler, target);
                    return NamedTensor.tiles(prefix(layer, expert), target);
                })
                .toList();
    }

    /**
     * The matrices of all experts one by one.
     *
     * @throws IllegalArgumentException if they are tiles
     */
    public List<NamedTensor> matrices() {
        List<NamedTensor> tensors = new ArrayList<>();
        for (int expert = 0; expert < experts.size(); expert++) {
            ExpertWeights weights = experts.get(expert);
            String prefix = prefix(layer, expert);
            tensors.addAll(NamedTensor.of(prefix + "w1", weights.gate()));
            tensors.addAll(NamedTensor.of(prefix + "w3", weights.up()));
            tensors.addAll(NamedTensor.of(prefix + "w2", weights.down()));
        }
        return tensors;
    }
}
