package dev.gatun.quant;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.checkpoint.ExpertWeights;
import dev.gatun.checkpoint.LayerWeights;
import dev.gatun.checkpoint.SafetensorsFile;
import dev.gatun.checkpoint.SampleModels;
import dev.gatun.checkpoint.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What the original HQQ library computes for its own files. */
class ReferenceDequantizationTest {
    private static final String DEQUANTIZED = "hqq-small-expected/dequantized.safetensors";

    @Test
    void dequantizationEqualsTheOriginalLibraryBitForBit() {
        try (Checkpoint checkpoint = Checkpoint.open(SampleModels.offloading());
                Arena arena = Arena.ofConfined()) {
            Map<String, Tensor> expected = SafetensorsFile.map(SampleModels.reference(DEQUANTIZED), arena)
                    .tensors();
            List<LayerWeights> layers = checkpoint.weights().layers();
            ExpertWeights expert = layers.get(1).experts().get(3);
            String experts = "model.layers.1.block_sparse_moe.experts.3.";
            Map.of(
                            "model.layers.0.self_attn.q_proj.weight",
                            layers.get(0).query(),
                            "model.layers.0.self_attn.k_proj.weight",
                            layers.get(0).key(),
                            experts + "w1.weight",
                            expert.gate(),
                            experts + "w2.weight",
                            expert.down(),
                            experts + "w3.weight",
                            expert.up())
                    .forEach((name, matrix) -> assertSameBits(name, matrix, expected.get(name)));
        }
    }

    private static void assertSameBits(String name, WeightMatrix matrix, Tensor expected) {
        assertThat(expected.shape()).as(name).containsExactly((long) matrix.rows(), (long) matrix.columns());
        int[] bits = expected.data().toArray(ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN));
        float[] actual = Dequantizer.toFloats(matrix);
        assertThat(actual).as(name).hasSize(bits.length);
        for (int i = 0; i < bits.length; i++) {
            if (Float.floatToRawIntBits(actual[i]) != bits[i]) {
                throw new AssertionError(
                        name + " differs at " + i + ": " + actual[i] + " instead of " + Float.intBitsToFloat(bits[i]));
            }
        }
    }
}
