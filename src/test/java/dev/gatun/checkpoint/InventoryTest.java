package dev.gatun.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.quant.FloatType;
import java.nio.file.Path;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InventoryTest {
    @TempDir
    Path folder;

    private static Inventory inventory(Path model) {
        try (Checkpoint checkpoint = Checkpoint.open(model)) {
            return Inventory.of(checkpoint);
        }
    }

    @Test
    void theQuantizedModelIsCountedByItsParts() {
        Inventory inventory = inventory(SampleModels.offloading());
        assertThat(inventory.parts())
                .extracting(PartContents::part)
                .containsExactly(
                        ModelPart.EMBEDDING,
                        ModelPart.ATTENTION,
                        ModelPart.ROUTER,
                        ModelPart.NORMS,
                        ModelPart.EXPERTS,
                        ModelPart.HEAD);
        PartContents experts = inventory.parts().get(4);
        assertThat(experts.weights()).isEqualTo(5L * 8 * 3 * 256 * 384);
        assertThat(experts.tensors()).isEqualTo(5 * 8 * 21);
        assertThat(experts.formats()).containsExactly("2-bit, groups of 16, scales of 128");
        // Two bits; 8 + 8 for 16; 16 + 16 for 16 * 128; and two halves for each matrix.
        assertThat(experts.bitsPerWeight()).isCloseTo(2 + 1 + 32.0 / 2048 + 32.0 / (256 * 384), Offset.offset(1e-9));
        assertThat(experts.groups())
                .filteredOn(group -> group.name().endsWith("experts.*.w1.W_q"))
                .singleElement()
                .isEqualTo(new TensorGroup(
                        "model.layers.*.block_sparse_moe.experts.*.w1.W_q",
                        TensorType.U8,
                        List.of(4L, 6144L),
                        40,
                        40L * 4 * 6144));
    }

    @RepeatedTest(5)
    void everyTensorAndEveryWeightIsCountedOnce() {
        long seed = Seeds.next();
        MixtralConfig config = TinyCheckpoints.randomConfig(seed);
        CheckpointWriter.writeHuggingFace(folder, config, TinyCheckpoints.dense(config, FloatType.BF16, seed), 2);
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            Inventory inventory = Inventory.of(checkpoint);
            assertThat(inventory.tensors())
                    .as(Seeds.hint(seed))
                    .isEqualTo(checkpoint.tensors().size());
            assertThat(inventory.bytes())
                    .as(Seeds.hint(seed))
                    .isEqualTo(checkpoint.tensors().values().stream()
                            .mapToLong(tensor -> tensor.data().byteSize())
                            .sum());
            assertThat(inventory.bitsPerWeight()).as(Seeds.hint(seed)).isEqualTo(16);
        }
    }
}
