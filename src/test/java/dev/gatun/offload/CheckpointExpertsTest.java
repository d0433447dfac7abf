package dev.gatun.offload;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.checkpoint.ExpertWeights;
import dev.gatun.checkpoint.LayerWeights;
import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.checkpoint.ModelWeights;
import dev.gatun.checkpoint.Seeds;
import dev.gatun.checkpoint.TinyCheckpoints;
import dev.gatun.quant.FloatType;
import dev.gatun.quant.HqqMatrix;
import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.HqqTiler;
import dev.gatun.quant.JavaTiler;
import dev.gatun.quant.TileShape;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class CheckpointExpertsTest {
    private static final MixtralConfig CONFIG =
            new MixtralConfig(32, 48, 2, 4, 2, 16, 3, 2, 40, 64, 1e6, 1e-5, OptionalInt.empty(), false);

    private static ModelWeights quantized(int groupSize, long seed) {
        return TinyCheckpoints.quantized(CONFIG, new HqqScheme(4, 8, 8), new HqqScheme(2, groupSize, 8), seed);
    }

    @Test
    void anExpertIsTheTilesOfItsThreeMatrices() {
        long seed = Seeds.next();
        ModelWeights weights = quantized(16, seed);
        CheckpointExperts source =
                CheckpointExperts.of(weights, new JavaTiler()).orElseThrow();
        for (int layer = 0; layer < CONFIG.layers(); layer++) {
            for (int expert = 0; expert < CONFIG.experts(); expert++) {
                ExpertWeights stored = weights.layers().get(layer).experts().get(expert);
                MemorySegment block = Arena.ofAuto().allocate(source.block().bytes(), 4096);
                source.write(layer, expert, block);
                assertPart(
                        block,
                        source.block().gateOffset(),
                        (HqqMatrix) stored.gate(),
                        source.block().gate(),
                        seed);
                assertPart(
                        block,
                        source.block().upOffset(),
                        (HqqMatrix) stored.up(),
                        source.block().up(),
                        seed);
                assertPart(
                        block,
                        source.block().downOffset(),
                        (HqqMatrix) stored.down(),
                        source.block().down(),
                        seed);
            }
        }
    }

    private static void assertPart(MemorySegment block, long offset, HqqMatrix matrix, TileShape shape, long seed) {
        MemorySegment tiles = Arena.ofAuto().allocate(shape.bytes(), 16);
        HqqTiler.tile(matrix, shape, tiles);
        assertThat(block.asSlice(offset, shape.bytes()).mismatch(tiles))
                .as(Seeds.hint(seed))
                .isEqualTo(-1);
    }

    @Test
    void expertsThatTilesCannotHoldAreNoSource() {
        assertThat(CheckpointExperts.of(TinyCheckpoints.dense(CONFIG, FloatType.BF16, 1), new JavaTiler()))
                .isEmpty();
        assertThat(CheckpointExperts.of(quantized(8, 1), new JavaTiler())).isEmpty();
        assertThat(CheckpointExperts.of(mixed(quantized(16, 1), quantized(8, 1)), new JavaTiler()))
                .isEmpty();
        assertThat(CheckpointExperts.of(mixed(quantized(16, 1), quantized(16, 2)), new JavaTiler()))
                .isPresent();
    }

    /** The last expert of the last layer is another model's. */
    private static ModelWeights mixed(ModelWeights most, ModelWeights other) {
        List<LayerWeights> layers = new ArrayList<>(most.layers());
        LayerWeights last = layers.removeLast();
        List<ExpertWeights> experts = new ArrayList<>(last.experts());
        experts.set(experts.size() - 1, other.layers().getLast().experts().getLast());
        layers.add(new LayerWeights(
                last.attentionNorm(),
                last.query(),
                last.key(),
                last.value(),
                last.output(),
                last.expertNorm(),
                last.router(),
                experts));
        return new ModelWeights(most.embeddings(), layers, most.finalNorm(), most.head());
    }
}
